import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isErrno } from './at.ts';
import {
  getXattr,
  getXattrFd,
  listXattrs,
  listXattrsFd,
  removeXattr,
  removeXattrFd,
  setXattr,
  setXattrFd,
} from './xattr.ts';

describe.runIf(process.platform === 'linux')('extended attributes', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-xattr-'));
    file = join(folder, 'f');
    writeFileSync(file, '');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Not every /tmp has a place for them; asking such a one must answer "none" and setting must say so. */
  const isSupported = (): boolean => {
    try {
      setXattr(file, 'user.probe', Buffer.from('1'));
      removeXattr(file, 'user.probe');
      return true;
    } catch (error) {
      expect(isErrno(error, 'ENOTSUP', 'EOPNOTSUPP')).toBe(true);
      expect(listXattrs(file)).toEqual([]);
      return false;
    }
  };

  it('are none where nobody set any, of a link too', () => {
    symlinkSync('nowhere', join(folder, 'l'));
    expect(listXattrs(join(folder, 'l')).filter((name) => !name.startsWith('security.'))).toEqual([]);
    expect(getXattr(file, 'user.none')).toBeUndefined();
    removeXattr(file, 'user.none');
  });

  it('of a file that is not there are an error with its path', () => {
    expect(() => listXattrs(join(folder, 'none'))).toThrow(`listxattr of ${folder}/none failed: ENOENT`);
  });

  it('hold any bytes, by path and by descriptor', () => {
    if (!isSupported()) return;
    const fd = openSync(file, 'r');
    setXattr(file, 'user.caf\u00e9', Buffer.from([0, 10, 255]));
    setXattrFd(fd, 'user.empty', Buffer.alloc(0), 'f');
    expect(
      listXattrsFd(fd, 'f')
        .filter((name) => name.startsWith('user.'))
        .sort(),
    ).toEqual(['user.caf\u00e9', 'user.empty']);
    expect(getXattrFd(fd, 'user.caf\u00e9', 'f')).toEqual(Buffer.from([0, 10, 255]));
    expect(getXattr(file, 'user.empty')).toEqual(Buffer.alloc(0));
    removeXattrFd(fd, 'user.empty', 'f');
    removeXattrFd(fd, 'user.empty', 'f');
    expect(getXattrFd(fd, 'user.empty', 'f')).toBeUndefined();
    closeSync(fd);
  });
});
