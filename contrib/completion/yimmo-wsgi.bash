# SPDX-License-Identifier: MIT
# Completion for bash. Generated from config/table.c by `make docs`; changes here are lost.
# Source it, or install it as yimmo-wsgi in bash-completion's folder.
_yimmo_wsgi() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local options=(
        --config
        -c
        --log-level
        -l
        --port
        -P
        --no-proc
        -p
        --no-threads
        -t
        --help
        -h
        --chdir
        --pythonpath
        --virtualenv
        --script-name
        --request-buffering
        --no-request-buffering
        --supervise
        --no-supervise
        --preload
        --no-preload
        --greenlets
        --switch-interval
        --request-timeout
        --slow-request-log
        --max-requests
        --max-lifetime
        --max-memory
        --recycle-jitter
        --watchdog-timeout
        --pidfile
        --host
        --bind
        --protocol
        --backlog
        --socket-mode
        --use-kqueue
        --no-use-kqueue
        --tls-cert
        --tls-key
        --tls-key-password-file
        --tls-sni
        --tls-min-version
        --tls-ciphers
        --tls-client-ca
        --tls-verify
        --tls-tickets
        --no-tls-tickets
        --tls-ticket-lifetime
        --tls-handshake-timeout
        --tls-max-handshakes
        --tls-hsts
        --redirect-http
        --max-connections
        --max-request-line
        --max-header-bytes
        --max-headers
        --max-body
        --body-memory
        --response-buffer
        --tmp-dir
        --idle-timeout
        --head-timeout
        --body-timeout
        --body-min-rate
        --write-timeout
        --linger-timeout
        --graceful-timeout
        --server-header
        --no-server-header
        --fastcgi-stderr
        --no-fastcgi-stderr
        --version
        --check-config
        --print-config
    )
    COMPREPLY=()
    # --option=value: readline makes three words of it
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $before in
    --config | -c)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level | -l)
        mapfile -t COMPREPLY < <(compgen -W 'FATAL ERROR WARNING NOTICE INFO DEBUG TRACE' -- "$word")
        return
        ;;
    --port | -P)
        return
        ;;
    --no-proc | -p)
        return
        ;;
    --no-threads | -t)
        return
        ;;
    --chdir)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --pythonpath)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --virtualenv)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --script-name)
        return
        ;;
    --greenlets)
        return
        ;;
    --switch-interval)
        return
        ;;
    --request-timeout)
        return
        ;;
    --slow-request-log)
        return
        ;;
    --max-requests)
        return
        ;;
    --max-lifetime)
        return
        ;;
    --max-memory)
        return
        ;;
    --recycle-jitter)
        return
        ;;
    --watchdog-timeout)
        return
        ;;
    --pidfile)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --host)
        return
        ;;
    --bind)
        return
        ;;
    --protocol)
        mapfile -t COMPREPLY < <(compgen -W 'http https fastcgi uwsgi suwsgi' -- "$word")
        return
        ;;
    --backlog)
        return
        ;;
    --socket-mode)
        return
        ;;
    --tls-cert)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --tls-key)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --tls-key-password-file)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --tls-sni)
        return
        ;;
    --tls-min-version)
        mapfile -t COMPREPLY < <(compgen -W 'TLSv1.2 TLSv1.3' -- "$word")
        return
        ;;
    --tls-ciphers)
        return
        ;;
    --tls-client-ca)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --tls-verify)
        mapfile -t COMPREPLY < <(compgen -W 'off optional require' -- "$word")
        return
        ;;
    --tls-ticket-lifetime)
        return
        ;;
    --tls-handshake-timeout)
        return
        ;;
    --tls-max-handshakes)
        return
        ;;
    --tls-hsts)
        return
        ;;
    --redirect-http)
        return
        ;;
    --max-connections)
        return
        ;;
    --max-request-line)
        return
        ;;
    --max-header-bytes)
        return
        ;;
    --max-headers)
        return
        ;;
    --max-body)
        return
        ;;
    --body-memory)
        return
        ;;
    --response-buffer)
        return
        ;;
    --tmp-dir)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --idle-timeout)
        return
        ;;
    --head-timeout)
        return
        ;;
    --body-timeout)
        return
        ;;
    --body-min-rate)
        return
        ;;
    --write-timeout)
        return
        ;;
    --linger-timeout)
        return
        ;;
    --graceful-timeout)
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${options[*]}" -- "$word")
    fi
}
complete -F _yimmo_wsgi yimmo-wsgi
