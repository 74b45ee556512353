# What faults do on mail-core.

mail_answers() { listens_all 25 587 993 143 8891 8893; }

main=/etc/postfix/main.cf master=/etc/postfix/master.cf
# change_postfix OPTION...: change its settings as postconf does, and load them. Old servers end with their connections.
change_postfix() {
    keep $main
    keep $master
    postconf "$@"
    restart_postfix
}
restart_postfix() {
    systemctl reset-failed postfix@- || true
    systemctl restart postfix@-
    wait_until listens_on 25
}
# mend_postfix: as it was, with nothing waiting.
mend_postfix() {
    restore $main
    restore $master
    restore /etc/postfix/vmailbox
    systemctl kill --signal=CONT postfix@- || true
    restart_postfix
    wait_until listens_all 25 587
    postsuper -d ALL 2>/dev/null
}
# stop_queue: everything is taken in, nothing goes out.
stop_queue() { pkill -STOP -x qmgr; }
# wait_in_queue DOMAIN...: mail to somebody at each, which cannot go out.
wait_in_queue() {
    for domain in "$@"; do
        printf 'Subject: lab\n\nwell?\n' | sendmail -f postmaster@migrahosting.com "somebody@$domain"
    done
    wait_until deferred $#
    # Late is in the lab what has waited for two seconds.
    sleep 3
}
deferred() { [ "$(postqueue -j | grep -c '"queue_name": "deferred"')" -ge "$1" ]; }

users=/etc/dovecot/users maildir=/home/vmail/migrahosting.com/migrawatch local_conf=/etc/dovecot/local.conf
restart_dovecot() {
    systemctl reset-failed dovecot || true
    systemctl restart dovecot
    wait_until listens_all 143 993
}
# add_to_dovecot LINE...: one more setting each.
add_to_dovecot() {
    keep $local_conf
    cp "/var/lib/lab$local_conf" $local_conf
    printf '%s\n' "$@" >> $local_conf
    restart_dovecot
}
mend_dovecot() {
    restore $local_conf
    restore $users
    if [ -e $maildir ]; then
        chown vmail:vmail $maildir
        chmod 700 $maildir
    fi
    systemctl kill --signal=CONT dovecot || true
    restart_dovecot
    # What waited for it goes out.
    postqueue -f
}

# hide_mailbox: nobody but root may open it.
hide_mailbox() {
    install -d -m 700 -o vmail -g vmail "$(dirname $maildir)" $maildir
    chown root:root $maildir
    chmod 000 $maildir
    doveadm kick migrawatch@migrahosting.com >/dev/null 2>&1 || true
}

keys=/etc/opendkim/keys
restart_opendkim() {
    systemctl kill --signal=CONT opendkim || true
    systemctl restart opendkim
    wait_until listens_on 8891
}
# sign_with_another_key BITS: one that nobody else has; its public part is in /run/lab-key.
sign_with_another_key() {
    keep $keys/mail.private
    openssl genrsa "$1" 2>/dev/null > $keys/mail.private
    restart_opendkim
}
mend_opendkim() {
    restore $keys/mail.private
    restore /etc/opendkim.conf
    restart_opendkim
}
