#!/bin/sh
# Run once inside mail-core's root: submission, the mailboxes, and who may use them.
set -eu
useradd --system --home-dir /home/vmail --create-home --shell /usr/sbin/nologin vmail
chmod 750 /home/vmail
sed -i 's/^!include auth-system.conf.ext/#&/' /etc/dovecot/conf.d/10-auth.conf
for mailbox in $(cut -d ' ' -f 1 /etc/postfix/vmailbox); do
    echo "$mailbox:{PLAIN}$(cat /etc/lab-password)"
done > /etc/dovecot/users
chown root:dovecot /etc/dovecot/users
chmod 640 /etc/dovecot/users
cat >> /etc/postfix/master.cf <<'SUBMISSION'
submission inet n - y - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
SUBMISSION
echo mail.migrahosting.com > /etc/mailname
# OpenDKIM's own folder for keys; the key is each lab's own.
install -d -m 750 -o opendkim -g opendkim /etc/opendkim/keys
systemctl enable opendkim opendmarc postfix dovecot
