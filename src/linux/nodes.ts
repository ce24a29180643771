import { AT_FDCWD, mknodAt } from './at.ts';
import { linuxError } from './libc.ts';

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

/** The kernel's own widths: 12 bits of major, 20 bits of minor. Larger numbers would be another device after truncation. */
export const MAX_MAJOR = 0xfff;
export const MAX_MINOR = 0xfffff;

/** What mknod takes for this device. @throws LINUX_CALL (EINVAL) outside the kernel's ranges */
export function deviceNumber(major: number, minor: number): number {
  const fits = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
  if (!fits(major, MAX_MAJOR) || !fits(minor, MAX_MINOR)) {
    throw linuxError('LINUX_CALL', { call: 'mknod', code: 'EINVAL', what: `device ${major}:${minor}` });
  }
  return major * 256 + (minor & 0xff) + Math.floor(minor / 256) * 2 ** 20;
}

/** Major and minor of a `st_rdev`. */
export function deviceParts(rdev: number): { readonly major: number; readonly minor: number } {
  return {
    major: Math.floor(rdev / 256) & 0xfff,
    minor: (rdev & 0xff) + (Math.floor(rdev / 2 ** 20) & 0xfff) * 256,
  };
}

/** Makes an overlay whiteout (character device 0:0), which the kernel allows an ordinary user too. */
export function makeWhiteout(dirfd: number, path: string): void {
  mknodAt(dirfd, path, S_IFCHR, 0);
}

/** Makes a device, fifo or socket node at an absolute path. @throws LINUX_CALL (EPERM for devices without the capability) */
export function mknod(path: string, mode: number, major = 0, minor = 0): void {
  mknodAt(AT_FDCWD, path, mode, deviceNumber(major, minor));
}
