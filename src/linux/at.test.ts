import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fsPath } from '../base/names.ts';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  chmodFd,
  closeFd,
  isErrno,
  linkAt,
  mkdirAt,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_PATH,
  O_WRONLY,
  openAt,
  openBeneath,
  openInRoot,
  readlinkAt,
  renameAt,
  symlinkAt,
  timesAt,
  timesFd,
  unlinkAt,
  writeFd,
} from './at.ts';
import { deviceNumber, deviceParts, makeWhiteout } from './nodes.ts';

describe.runIf(process.platform === 'linux')('calls relative to a directory', () => {
  let folder: string;
  let root: number;
  const codeOf = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return (error as { facts?: { code?: unknown } }).facts?.code;
    }
    return 'no error';
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-at-'));
    mkdirSync(join(folder, 'root/d'), { recursive: true });
    writeFileSync(join(folder, 'root/d/f'), 'inside');
    writeFileSync(join(folder, 'out'), 'outside');
    root = openAt(AT_FDCWD, join(folder, 'root'), O_PATH | O_DIRECTORY);
  });
  afterEach(() => {
    closeFd(root);
    rmSync(folder, { recursive: true, force: true });
  });

  it('does not open what a symbolic link, dots or a slash lead to', () => {
    symlinkSync('d', join(folder, 'root/l'));
    symlinkSync('../out', join(folder, 'root/o'));
    expect(codeOf(() => openBeneath(root, 'l/f', 0))).toBe('ELOOP');
    expect(codeOf(() => openBeneath(root, 'o', 0))).toBe('ELOOP');
    expect(codeOf(() => openBeneath(root, '../out', 0))).toBe('EXDEV');
    expect(codeOf(() => openBeneath(root, join(folder, 'out'), 0))).toBe('EXDEV');
    expect(codeOf(() => openBeneath(root, 'o', O_CREAT | O_EXCL | O_WRONLY, 0o600))).toBe('EEXIST');
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('outside');
    const fd = openBeneath(root, 'd/f', 0);
    expect(readFileSync(`/proc/self/fd/${fd}`, 'utf8')).toBe('inside');
    closeFd(fd);
  });

  it('resolves links with the descriptor as their root when asked to', () => {
    symlinkSync('/d/../../../../d', join(folder, 'root/l'));
    const fd = openInRoot(root, 'l/f', 0);
    expect(readFileSync(`/proc/self/fd/${fd}`, 'utf8')).toBe('inside');
    closeFd(fd);
  });

  it('names the call, the path and the errno when one fails', () => {
    const error = (() => {
      try {
        return mkdirAt(root, 'no/where', 0o755);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ code: 'LINUX_CALL', message: 'mkdir of no/where failed: ENOENT' });
    expect(isErrno(error, 'ENOENT')).toBe(true);
    expect(isErrno(error, 'EEXIST', 'EPERM')).toBe(false);
    expect(isErrno(new Error('ENOENT'), 'ENOENT')).toBe(false);
  });

  it('writes, links, renames and removes by names that are not UTF-8', () => {
    const name = 'caf\u00e9 \udcff\n';
    const fd = openAt(root, name, O_CREAT | O_EXCL | O_WRONLY, 0o600);
    writeFd(fd, Buffer.from('bytes'), name);
    chmodFd(fd, 0o4711, name);
    timesFd(fd, -2, 5, name);
    closeFd(fd);
    linkAt(root, name, root, 'second');
    renameAt(root, name, root, `${name}2`);
    const stat = lstatSync(fsPath(join(folder, `root/${name}2`)), { bigint: true });
    expect([Number(stat.mode) & 0o7777, stat.nlink, stat.mtimeNs]).toEqual([0o4711, 2n, -1_999_999_995n]);
    unlinkAt(root, `${name}2`);
    expect(readFileSync(join(folder, 'root/second'), 'utf8')).toBe('bytes');
  });

  it('sets the times of a symbolic link itself, also far from now', () => {
    symlinkAt('d/f', root, 'l');
    const before = lstatSync(join(folder, 'root/d/f')).mtimeMs;
    timesAt(root, 'l', 2 ** 32 + 7, 999_999_999);
    expect(lstatSync(join(folder, 'root/l'), { bigint: true }).mtimeNs).toBe(4_294_967_303_999_999_999n);
    expect(lstatSync(join(folder, 'root/d/f')).mtimeMs).toBe(before);
    expect(readlinkAt(root, 'l').toString()).toBe('d/f');
  });

  it('refuses a path with a zero byte instead of cutting it there', () => {
    expect(() => mkdirAt(root, 'a\0b', 0o755)).toThrow('contains a zero byte');
    expect(existsSync(join(folder, 'root/a'))).toBe(false);
  });

  it('makes whiteouts without privileges and removes directories', () => {
    makeWhiteout(root, 'gone');
    const stat = lstatSync(join(folder, 'root/gone'));
    expect([stat.isCharacterDevice(), stat.rdev]).toEqual([true, 0]);
    mkdirAt(root, 'e', 0o755);
    unlinkAt(root, 'e', AT_REMOVEDIR);
    expect(existsSync(join(folder, 'root/e'))).toBe(false);
  });
});

describe('device numbers', () => {
  it.each([
    [1, 3],
    [0, 0],
    [259, 70_000],
    [0xfff, 0xfffff],
  ])('%i:%i comes back the same', (major, minor) => {
    expect(deviceParts(deviceNumber(major, minor))).toEqual({ major, minor });
  });

  it.each([
    [0x1000, 0],
    [0, 0x100000],
    [-1, 0],
    [1.5, 0],
  ])('%d:%d is outside of what the kernel knows', (major, minor) => {
    expect(() => deviceNumber(major, minor)).toThrow('EINVAL');
  });
});
