import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'dobos-rootless';

/** An ordinary user with a range of subordinate ids, made when missing. Needs root. */
export function testUser(): { readonly uid: number; readonly gid: number; readonly name: string } {
  if (spawnSync('id', [NAME]).status !== 0) {
    const made = spawnSync('useradd', ['--create-home', '--shell', '/bin/sh', NAME], { encoding: 'utf8' });
    // A suite beside this one may have made it meanwhile.
    if (made.status !== 0 && spawnSync('id', [NAME]).status !== 0) throw new Error(made.stderr);
  }
  const id = (flag: string): number => Number(execFileSync('id', [flag, NAME], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g'), name: NAME };
}

/**
 * Program and arguments that start a command as this user, who may open /dev/net/tun as on machines for people: these tests' own need not allow that,
 * and nobody else sees the change. The device lies in `folder`.
 */
export function throughUser(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  folder: string,
): readonly string[] {
  const tun = join(folder, 'tun');
  execFileSync('mknod', ['-m', '666', tun, 'c', '10', '200']);
  return [
    ...['unshare', '--mount', 'sh', '-c', `mount --bind ${tun} /dev/net/tun && exec "$@"`, 'sh'],
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--'],
  ];
}

/** The built package with what it needs at run time, where every user can read it. The caller removes the folder. */
export function readableBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dobos-build-'));
  chmodSync(folder, 0o755);
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  cpSync('package.json', join(folder, 'package.json'));
  for (const name of ['koffi', '@koromix', '@cloudpss', 'valibot', 'commander', 'undici', 'smol-toml']) {
    const from = join('node_modules', name);
    if (!existsSync(from)) continue;
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    cpSync(from, join(folder, 'node_modules', name), { recursive: true, dereference: true });
  }
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  return folder;
}
