/**
 * A small Debian 12 from the packages that this machine's own sources name: the base image of the demo and of the lessons.
 * Made once per clone and kept in .cache; making it needs root and mmdebstrap.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The tar of the root file system with these packages too, made if it is not there yet. `say` is told what takes time. @throws with the output of the program that failed */
export function debianBase(say: (text: string) => void = () => {}, packages: readonly string[] = []): string {
  const file = kept(packages);
  if (existsSync(file)) return file;
  if (process.getuid?.() !== 0) throw new Error('there is no base image yet, and making it needs root');
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync('/usr/bin/mmdebstrap')) {
    say('installing mmdebstrap, which makes a root file system from Debian packages …');
    runProgram('apt-get', ['update', '-qq']);
    runProgram('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'mmdebstrap']);
  }
  say('making the base image debian:bookworm from packages (about 20 seconds; kept for the next time) …');
  const more = packages.length === 0 ? [] : [`--include=${packages.join(',')}`];
  const part = `${file}.${process.pid}.part.tar`;
  const make = ['mmdebstrap', '--quiet', '--variant=minbase', ...more, 'bookworm', part, ...debianSources()];
  // Who comes while another makes it waits for that one's.
  const unlessThere = ['sh', '-c', '[ -e "$0" ] || exec "$@"', file, ...make];
  runProgram('flock', [`${file}.lock`, ...unlessThere]);
  if (existsSync(part)) renameSync(part, file);
  return file;
}

/** True if it was made before. */
export const hasDebianBase = (packages: readonly string[] = []): boolean => existsSync(kept(packages));

const kept = (packages: readonly string[]): string =>
  resolve('.cache', `${['debian-bookworm', ...packages].join('+')}.tar`);

/** This machine's files that name Debian's own package sources. */
export function debianSources(): readonly string[] {
  return ['/etc/apt/sources.list', ...listSources('/etc/apt/sources.list.d')].filter(isDebianSource);
}

function runProgram(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return;
  throw new Error(`${program} failed:\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
}

function listSources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.list') || file.endsWith('.sources'))
    .sort()
    .map((file) => join(folder, file));
}

/** Other people's package sources would need their keys: the base takes Debian's only. */
function isDebianSource(file: string): boolean {
  return existsSync(file) && /\/debian(-security)?\/?\s[\s\S]*bookworm/.test(readFileSync(file, 'utf8'));
}
