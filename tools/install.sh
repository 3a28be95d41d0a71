#!/bin/sh
# Installs the Debian packages of the named groups that are missing: install.sh build demo client check lint fuzz tpm machine ad bench
# SKIP_INSTALL=1 forbids it and tells what is missing.
set -eu

group() {
    case $1 in
    build) echo "gcc libc6-dev meson ninja-build pkg-config python3 libssl-dev libjansson-dev libexpat1-dev libsqlite3-dev \
libargon2-dev libcurl4-openssl-dev libevent-dev node-llhttp libqrencode-dev libtss2-dev libldap-dev libkrb5-dev" ;;
    demo) # a system without a file of hosts knows no localhost
        echo "wixl msitools openssl curl python3 nginx-light"
        getent hosts localhost >/dev/null || echo "libnss-myhostname" ;;
    client) echo "nodejs npm" ;;
    check) echo "libcmocka-dev libxml2-utils jose openssl" ;;
    lint) echo "clang-format clang-tidy cppcheck" ;;
    fuzz) echo "clang libclang-rt-14-dev" ;;
    tpm) echo "swtpm swtpm-tools tpm2-tools openssl libtss2-esys-3.0.2-0 libtss2-tctildr0 libtss2-tcti-swtpm0 libtss2-tcti-device0" ;;
    machine) echo "qemu-system-x86 qemu-system-data seabios ipxe-qemu cpio busybox-static iproute2 dnsmasq-base e2fsprogs curl" ;;
    ad) echo "samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules samba-testsuite winbind smbclient ldb-tools \
python3-samba krb5-user ldap-utils libsasl2-modules-gssapi-mit iproute2" ;;
    bench) echo "nginx-light" ;;
    *) echo "install.sh: there is no group $1" >&2 && exit 2 ;;
    esac
}

missing=
for name in "$@"; do
    for package in $(group "$name"); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0
if [ "${SKIP_INSTALL:-}" = 1 ]; then
    echo "install.sh: missing, and SKIP_INSTALL=1 forbids installing:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
else
    sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null
# nothing that a package brings may start a service here: the policy answers 101, 'forbidden', for this one run
forbid=/usr/sbin/policy-rc.d
made=
if [ ! -e $forbid ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $forbid >/dev/null && $sudo chmod 755 $forbid && made=1
fi
status=0
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null || status=$?
[ -z "$made" ] || $sudo rm -f $forbid
exit $status
