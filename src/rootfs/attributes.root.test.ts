import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeFd, isErrno, O_DIRECTORY, openAt, writeFd } from '../linux/at.ts';
import { getXattr } from '../linux/xattr.ts';
import { type Attributes, createAttributeSetter } from './attributes.ts';

/** What a new file has by itself differs from folder to folder: what it is to have must come out the same. */
describe('attributes of new files', () => {
  let folder: string;
  let umask: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-attributes-'));
    umask = process.umask(0o022);
  });
  afterEach(() => {
    process.umask(umask);
    rmSync(folder, { recursive: true, force: true });
  });

  const WANTED: Readonly<Record<string, Attributes>> = Object.fromEntries(
    [0o644, 0o600, 0o777, 0o4755, 0o2711, 0o1666, 0].flatMap((mode) =>
      [
        { uid: 0, gid: 0 },
        { uid: 1234, gid: 0 },
        { uid: 0, gid: 4321 },
      ].map((owner) => [
        `${mode.toString(8)}-${owner.uid}-${owner.gid}`,
        { mode, ...owner, mtime: { seconds: 1_600_000_000, nanos: 250_000_000 } },
      ]),
    ),
  );

  const make = (below: string, files: Readonly<Record<string, Attributes>>): void => {
    const dirfd = openAt(-100, below, O_DIRECTORY);
    const setter = createAttributeSetter({
      format: 'trusted',
      rootless: false,
      warn: ({ path, message }) => expect.fail(`${path}: ${message}`),
    });
    try {
      for (const [name, attributes] of Object.entries(files)) {
        const fd = setter.create(dirfd, name, attributes);
        writeFd(fd, Buffer.from('bytes'), name);
        setter.complete(fd, attributes, name);
        closeFd(fd);
      }
    } finally {
      closeFd(dirfd);
    }
  };

  const expectMade = (below: string): void => {
    make(below, WANTED);
    expect(readdirSync(below).sort()).toEqual(Object.keys(WANTED).sort());
    for (const [name, { mode, uid, gid, mtime }] of Object.entries(WANTED)) {
      const stat = lstatSync(join(below, name));
      expect({ name, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }).toEqual({
        name,
        mode,
        uid,
        gid,
      });
      expect(stat.mtimeMs).toBe(mtime.seconds * 1000 + mtime.nanos / 1e6);
    }
  };

  for (const mask of [0, 0o022, 0o077, 0o777]) {
    it(`are those that are wanted with a umask of ${mask.toString(8)}`, () => {
      process.umask(mask);
      expectMade(folder);
    });
  }

  it("are those that are wanted where files get their directory's group", () => {
    const below = join(folder, 'below');
    mkdirSync(below);
    chownSync(below, 0, 4321);
    chmodSync(below, 0o2700);
    expectMade(below);
  });

  it('are there with extended ones, a file capability among them', () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const xattrs = new Map([
      ['security.capability', capability],
      ['user.note', Buffer.from('kept')],
    ]);
    const attributes = { mode: 0o755, uid: 7, gid: 8, mtime: { seconds: 1, nanos: 0 }, xattrs };
    try {
      make(folder, { tool: attributes });
    } catch (error) {
      expect(isErrno(error, 'EPERM')).toBe(true);
      return;
    }
    const file = join(folder, 'tool');
    expect(getXattr(file, 'security.capability')).toEqual(capability);
    expect(lstatSync(file)).toMatchObject({ uid: 7, gid: 8 });
    expect(lstatSync(file).mode & 0o7777).toBe(0o755);
  });
});
