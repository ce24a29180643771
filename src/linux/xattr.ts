/**
 * Extended attributes, of a path (never following a last symbolic link) and of an open descriptor. Names and values are bytes;
 * names are lossless strings here.
 * @module
 */
import { decodeName } from '../base/names.ts';
import { bindCall, checked, cPath, lastErrno, linuxError } from './libc.ts';

/** The kernel's own bounds on a list of names and on a value. */
const MAX_LIST_BYTES = 65536;
const MAX_VALUE_BYTES = 65536;

type Target = string | Buffer | number;
type Get = (target: Target, name: string | Buffer, value: Buffer, size: number) => number;
type List = (target: Target, list: Buffer, size: number) => number;

const lgetCall = bindCall<number, Parameters<Get>>(
  'int64_t lgetxattr(const char *path, const char *name, void *value, uint64_t size)',
);
const fgetCall = bindCall<number, Parameters<Get>>(
  'int64_t fgetxattr(int fd, const char *name, void *value, uint64_t size)',
);
const llistCall = bindCall<number, Parameters<List>>(
  'int64_t llistxattr(const char *path, void *list, uint64_t size)',
);
const flistCall = bindCall<number, Parameters<List>>('int64_t flistxattr(int fd, void *list, uint64_t size)');
const getCall = bindCall<number, Parameters<Get>>(
  'int64_t getxattr(const char *path, const char *name, void *value, uint64_t size)',
);
const listCall = bindCall<number, Parameters<List>>(
  'int64_t listxattr(const char *path, void *list, uint64_t size)',
);
const lsetCall = bindCall<number, [string | Buffer, string | Buffer, Uint8Array, number, number]>(
  'int lsetxattr(const char *path, const char *name, const void *value, uint64_t size, int flags)',
);
const fsetCall = bindCall<number, [number, string | Buffer, Uint8Array, number, number]>(
  'int fsetxattr(int fd, const char *name, const void *value, uint64_t size, int flags)',
);
const lremoveCall = bindCall<number, [string | Buffer, string | Buffer]>(
  'int lremovexattr(const char *path, const char *name)',
);
const fremoveCall = bindCall<number, [number, string | Buffer]>('int fremovexattr(int fd, const char *name)');

const listBuffer = Buffer.alloc(MAX_LIST_BYTES);
const valueBuffer = Buffer.alloc(MAX_VALUE_BYTES);

/** The names of all attributes; none where the file system has no attributes. */
export function listXattrs(path: string): string[] {
  return namesIn(llistCall(cPath(path), listBuffer, MAX_LIST_BYTES), path);
}

export function listXattrsFd(fd: number, what: string): string[] {
  return namesIn(flistCall(fd, listBuffer, MAX_LIST_BYTES), what);
}

/** The value of one attribute, undefined if the file does not have it. */
export function getXattr(path: string, name: string): Buffer | undefined {
  return valueIn(lgetCall(cPath(path), cPath(name), valueBuffer, MAX_VALUE_BYTES), path);
}

export function getXattrFd(fd: number, name: string, what: string): Buffer | undefined {
  return valueIn(fgetCall(fd, cPath(name), valueBuffer, MAX_VALUE_BYTES), what);
}

/** As `listXattrs`, of a descriptor of any kind: of a link too, and one opened with O_PATH, which flistxattr(2) refuses. */
export function listXattrsPinned(fd: number): string[] {
  const path = `/proc/self/fd/${fd}`;
  return namesIn(listCall(path, listBuffer, MAX_LIST_BYTES), path);
}

/** As `getXattr`, of a descriptor of any kind. */
export function getXattrPinned(fd: number, name: string): Buffer | undefined {
  const path = `/proc/self/fd/${fd}`;
  return valueIn(getCall(path, cPath(name), valueBuffer, MAX_VALUE_BYTES), path);
}

/** Sets an attribute, made or replaced. @throws LINUX_CALL (EPERM, ENOTSUP, ENOSPC, E2BIG …) */
export function setXattr(path: string, name: string, value: Uint8Array): void {
  checked(lsetCall(cPath(path), cPath(name), value, value.length, 0), `setxattr ${name}`, path);
}

export function setXattrFd(fd: number, name: string, value: Uint8Array, what: string): void {
  checked(fsetCall(fd, cPath(name), value, value.length, 0), `setxattr ${name}`, what);
}

/** Removes an attribute; nothing happens if the file does not have it. */
export function removeXattr(path: string, name: string): void {
  const result = lremoveCall(cPath(path), cPath(name));
  if (result < 0 && lastErrno() !== 'ENODATA') checked(result, `removexattr ${name}`, path);
}

export function removeXattrFd(fd: number, name: string, what: string): void {
  const result = fremoveCall(fd, cPath(name));
  if (result < 0 && lastErrno() !== 'ENODATA') checked(result, `removexattr ${name}`, what);
}

function namesIn(size: number, what: string): string[] {
  if (size < 0) {
    const code = lastErrno();
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP') return [];
    throw linuxError('LINUX_CALL', { call: 'listxattr', code, what });
  }
  const names: string[] = [];
  for (let start = 0; start < size; ) {
    const end = listBuffer.indexOf(0, start);
    names.push(decodeName(listBuffer.subarray(start, end)));
    start = end + 1;
  }
  return names;
}

function valueIn(size: number, what: string): Buffer | undefined {
  if (size >= 0) return Buffer.from(valueBuffer.subarray(0, size));
  const code = lastErrno();
  if (code === 'ENODATA' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return undefined;
  throw linuxError('LINUX_CALL', { call: 'getxattr', code, what });
}
