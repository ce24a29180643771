import { cpSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianBase } from '../../scripts/debian-base.ts';
import { type Dobos, type DobosOptions, dobosFor } from './dobos.ts';
import type { View } from './rootfs-agent.ts';

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

/** Paths of hello-c whose contents apt-get, dpkg and ldconfig write otherwise each time: logs with dates, caches with inodes and dates, what a mirror has now. */
const VARYING =
  /^var\/(log\/.*|cache\/apt\/(src)?pkgcache\.bin|cache\/ldconfig\/aux-cache|lib\/apt\/lists\/.*)$/;

/** A view with kind, mode and owner only of what two builds of hello-c cannot have in common. */
export function withoutVarying(view: View): View {
  return Object.fromEntries(
    Object.entries(view).map(([path, text]) => [
      path,
      VARYING.test(path) ? text.split(' ').slice(0, 3).join(' ') : text,
    ]),
  );
}
