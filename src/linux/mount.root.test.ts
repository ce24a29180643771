import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Every mount is made in a process with a mount namespace of its own. */
describe('mounts', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-mount-'));
  });
  afterEach(() => {
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (script: string): unknown => {
    const dist = pathToFileURL(`${process.cwd()}/dist/linux`).href;
    const file = join(folder, 'script.mjs');
    writeFileSync(
      file,
      `import * as fs from 'node:fs';
       const at = await import('${dist}/at.js'), m = await import('${dist}/mount.js');
       const o = await import('${dist}/overlay.js'), x = await import('${dist}/xattr.js');
       const d = ${JSON.stringify(folder)} + '/t';
       fs.mkdirSync(d);
       m.mountTmpfs(d, 'mode=755');
       const code = (work) => { try { work(); return 'no error'; } catch (error) { return error.facts?.code ?? error.code; } };
       const result = (() => { ${script} })();
       fs.writeFileSync(${JSON.stringify(join(folder, 'result'))}, JSON.stringify(result));`,
    );
    execFileSync('unshare', ['--mount', '--pid', '--fork', '--kill-child', process.execPath, file], {
      stdio: 'pipe',
    });
    return JSON.parse(readFileSync(join(folder, 'result'), 'utf8'));
  };

  it.each(['mountOverlay', 'mountOverlayByOptions'])('%s shows 200 layers, and takes changes', (way) => {
    const result = run(`
      const lowers = Array.from({ length: 200 }, (_, i) => 'layer' + String(i).padStart(11, '0'));
      for (const [i, name] of lowers.entries()) {
        fs.mkdirSync(d + '/' + name);
        fs.writeFileSync(d + '/' + name + '/f' + i, '');
        fs.writeFileSync(d + '/' + name + '/same', String(i));
      }
      for (const name of ['u', 'w', 'm']) fs.mkdirSync(d + '/' + name);
      const before = process.cwd();
      o.${way}({ base: d, lowers, writable: { upper: 'u', work: 'w' }, userxattr: false }, d + '/m');
      fs.unlinkSync(d + '/m/f7');
      const seen = [fs.readdirSync(d + '/m').length, fs.readFileSync(d + '/m/same', 'utf8'), fs.readdirSync(d + '/u')];
      m.unmount(d + '/m');
      return [...seen, fs.readdirSync(d + '/m'), process.cwd() === before];
    `);
    expect(result).toEqual([200, '0', ['f7'], [], true]);
  });

  it('an overlay that is attached nowhere can be looked into until it is closed', () => {
    const result = run(`
      for (const name of ['a', 'b']) { fs.mkdirSync(d + '/' + name); fs.writeFileSync(d + '/' + name + '/' + name, ''); }
      const mounts = fs.readFileSync('/proc/self/mounts', 'utf8');
      const fd = o.detachedOverlay({ base: d, lowers: ['a', 'b'], userxattr: false });
      const seen = [fs.readdirSync('/proc/self/fd/' + fd + '/.'), fs.readFileSync('/proc/self/mounts', 'utf8') === mounts];
      at.closeFd(fd);
      return [...seen, code(() => fs.readdirSync('/proc/self/fd/' + fd + '/.'))];
    `);
    expect(result).toEqual([['a', 'b'], true, 'ENOENT']);
  });

  it('a lower directory that is missing is named', () => {
    expect(
      run(`return code(() => o.mountOverlay({ base: d, lowers: ['nothing', 'b'], userxattr: false }, d))`),
    ).toBe('ENOENT');
  });

  it('a read-only bind of a tree takes no writes, also in mounts below', () => {
    const result = run(`
      fs.mkdirSync(d + '/a/sub', { recursive: true });
      fs.mkdirSync(d + '/b');
      m.mountTmpfs(d + '/a/sub', '');
      m.bindMount(d + '/a', d + '/b', { recursive: true, readOnly: true });
      return [code(() => fs.writeFileSync(d + '/b/x', '')), code(() => fs.writeFileSync(d + '/b/sub/x', '')), code(() => fs.writeFileSync(d + '/a/x', ''))];
    `);
    expect(result).toEqual(['EROFS', 'EROFS', 'no error']);
  });

  it('attributes of links, files and descriptors are read, set, listed and removed', () => {
    const result = run(`
      fs.symlinkSync('nowhere', d + '/l');
      fs.writeFileSync(d + '/f', '');
      x.setXattr(d + '/l', 'trusted.t', Buffer.from([0, 255]));
      const fd = fs.openSync(d + '/f', 'r');
      x.setXattrFd(fd, 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'), 'f');
      x.setXattrFd(fd, 'trusted.a', Buffer.alloc(0), 'f');
      const seen = [x.listXattrs(d + '/l'), x.getXattr(d + '/l', 'trusted.t').toString('hex'), x.listXattrsFd(fd, 'f').sort(), x.getXattrFd(fd, 'trusted.a', 'f').length];
      x.removeXattr(d + '/l', 'trusted.t');
      x.removeXattr(d + '/l', 'trusted.t');
      x.removeXattrFd(fd, 'trusted.a', 'f');
      return [...seen, x.listXattrs(d + '/l'), x.getXattr(d + '/f', 'trusted.a') ?? null];
    `);
    expect(result).toEqual([['trusted.t'], '00ff', ['security.capability', 'trusted.a'], 0, [], null]);
  });

  it('unmounting what is not mounted is an error that names the place', () => {
    expect(run(`fs.mkdirSync(d + '/x'); return code(() => m.unmount(d + '/x'))`)).toBe('EINVAL');
  });
});
