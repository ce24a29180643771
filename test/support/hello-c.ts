import { cpSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianBase } from '../../scripts/debian-base.ts';
import { type Dobos, type DobosOptions, dobosFor } from './dobos.ts';

export const GREETING = 'Hello from the container!\n';

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

/** Paths of hello-c that apt-get, dpkg and ldconfig write otherwise each time: logs with dates, caches with inodes and dates. */
export const VARYING = /^(var\/log\/|var\/cache\/(apt|ldconfig)\/|var\/lib\/apt\/)/;
