# Which root file system is started: the first in BOOT_ORDER that has a try left. RAUC sets the order, and gatehouse-good gives the tries back.
# mkimage -A arm64 -T script -C none -d boot.cmd boot.scr
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot ""
for candidate in ${BOOT_ORDER}; do
    if test -n "${slot}"; then
        true
    elif test "${candidate}" = A && test ${BOOT_A_LEFT} -gt 0; then
        setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
        setenv slot A
        setenv partition 2
    elif test "${candidate}" = B && test ${BOOT_B_LEFT} -gt 0; then
        setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        setenv slot B
        setenv partition 3
    fi
done

# Neither has one: both are given theirs again, for a box that does not start is of no use to anybody.
if test -z "${slot}"; then
    setenv BOOT_A_LEFT 3
    setenv BOOT_B_LEFT 3
    saveenv
    reset
fi

# On the medium before it is started: whatever happens then, the try is gone.
saveenv
setenv bootargs "root=/dev/mmcblk0p${partition} rootfstype=ext4 ro rootwait fsck.repair=yes rauc.slot=${slot} console=ttyS1,115200 panic=10"
if load mmc 0:${partition} ${kernel_addr_r} /boot/vmlinuz && load mmc 0:${partition} ${ramdisk_addr_r} /boot/initrd.img; then
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
fi
reset
