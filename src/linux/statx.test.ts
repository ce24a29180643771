import {
  closeSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statAt } from './statx.ts';

describe.runIf(process.platform === 'linux')('statAt', () => {
  it('says what lstat says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobos-statx-'));
    const fd = openSync(folder, 'r');
    try {
      writeFileSync(join(folder, 'file'), 'x'.repeat(70_000), { mode: 0o640 });
      linkSync(join(folder, 'file'), join(folder, 'again'));
      symlinkSync('nowhere', join(folder, 'link'));
      writeFileSync(join(folder, 'old'), '');
      utimesSync(join(folder, 'old'), -1.5, -1.5);
      writeFileSync(join(folder, 'é'), '');
      for (const name of ['file', 'again', 'link', 'old', 'é', '.']) {
        const want = lstatSync(join(folder, name), { bigint: true });
        expect(statAt(fd, name)).toEqual({
          mode: Number(want.mode),
          links: Number(want.nlink),
          dev: Number(want.dev),
          ino: Number(want.ino),
          size: Number(want.size),
          seconds: Math.floor(Number(want.mtimeNs / 1000n) / 1e6),
          mtimeNs: Number(want.mtimeNs),
          ctimeNs: Number(want.ctimeNs),
        });
      }
      expect(statAt(fd, 'missing')).toBeUndefined();
      expect(() => statAt(fd, 'file/below')).toThrowError(/statx of file\/below failed: ENOTDIR/);
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
