import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Dobos, type DobosOptions, dobosFor } from './dobos.ts';

export const GREETING = 'Hello from the container!\n';

/** A tar of a small Debian 12 with some packages more, made from this machine's package sources and kept. Needs root. */
export function debianBase(packages: readonly string[] = []): string {
  const file = resolve('.cache', `${['debian-bookworm', ...packages].join('+')}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(resolve('.cache'), { recursive: true });
  const sources = ['/etc/apt/sources.list', ...listSources('/etc/apt/sources.list.d')].filter(isDebianSource);
  const more = packages.length === 0 ? [] : [`--include=${packages.join(',')}`];
  const part = `${file}.${process.pid}.tar`;
  execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', ...more, 'bookworm', part, ...sources], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  renameSync(part, file);
  return file;
}

function listSources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.list') || file.endsWith('.sources'))
    .sort()
    .map((file) => join(folder, file));
}

/** Other people's sources would need their keys. */
function isDebianSource(file: string): boolean {
  return existsSync(file) && /\/debian(-security)?\/?\s[\s\S]*bookworm/.test(readFileSync(file, 'utf8'));
}

/** `examples/hello-c` built in a store of its own over `debian:bookworm`: the command for that store. */
export function buildHelloC(o: DobosOptions): Dobos {
  const dobos = dobosFor(o);
  dobos('import', '--change', 'CMD ["bash"]', debianBase(), 'debian:bookworm');
  dobos('build', '-t', 'hello-c', helloContext(o.user?.build ?? resolve('.')));
  return dobos;
}

/** The example, beside the build that uses it. */
function helloContext(build: string): string {
  const folder = join(build, 'examples', 'hello-c');
  if (!existsSync(folder)) cpSync('examples/hello-c', folder, { recursive: true });
  return folder;
}
