import { isAbsolute, join } from 'node:path';
import type { ByteStream } from '../base/bytes.ts';
import {
  type CopyOptions,
  type CopyTools,
  copyIn,
  copyOut,
  readFromContainer,
} from '../containers/copy-files.ts';
import type { App } from './app.ts';
import { lookUpContainer, openContainers } from './containers.ts';

/** One side of `cp`: a path of a container, or one of this machine. */
export interface CopySide {
  readonly container?: string | undefined;
  readonly path: string;
}

/** `CONTAINER:PATH`, or a path of this machine: one that begins with `/` or `.`, or has no colon. */
export function parseCopySide(text: string): CopySide {
  const colon = text.indexOf(':');
  if (colon <= 0 || isAbsolute(text) || text.startsWith('.')) return { path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** A path of the container as a tar. @throws CONTAINER_UNKNOWN, CONTAINER_NO_PATH, CONTAINER_COPY */
export async function* copyToTar(app: App, name: string, path: string, o: CopyOptions): ByteStream {
  const { tools, container } = await open(app, name);
  yield* readFromContainer(tools, container, fromRoot(path), o);
}

/** Bytes copied, and the absolute path. `cwd` is what relative paths begin at. @throws CONTAINER_UNKNOWN, CONTAINER_NO_PATH, CONTAINER_COPY */
export async function copyToLocal(
  app: App,
  {
    name,
    path,
    local,
    cwd,
  }: { readonly name: string; readonly path: string; readonly local: string; readonly cwd: string },
  o: CopyOptions,
): Promise<number> {
  const { tools, container } = await open(app, name);
  return copyOut(tools, container, fromRoot(path), absolute(local, cwd), o);
}

/** Bytes copied. @throws as `copyToLocal`, CONTAINER_HELD */
export async function copyToContainer(
  app: App,
  {
    name,
    path,
    from,
    cwd,
  }: {
    readonly name: string;
    readonly path: string;
    readonly from: string | { readonly tar: ByteStream };
    readonly cwd: string;
  },
  o: CopyOptions,
): Promise<number> {
  const { tools, container } = await open(app, name);
  const source = typeof from === 'string' ? absolute(from, cwd) : from;
  return copyIn(tools, container, source, fromRoot(path), o);
}

async function open(app: App, name: string) {
  const { records, isRoot, storeFolder } = await openContainers(app);
  const container = await lookUpContainer(records, name);
  const tools: CopyTools = { records, keeper: { storeFolder, runtime: app.settings.runtime }, isRoot };
  return { tools, container };
}

/** Paths of a container begin at its root, also relative ones. */
const fromRoot = (path: string): string => (path.startsWith('/') ? path : `/${path}`);

/** With the slash or `/.` at its end, which say what is meant. */
function absolute(path: string, cwd: string): string {
  const end = /(?:^|\/)(\.?)$/.exec(path);
  const whole = isAbsolute(path) ? join(path) : join(cwd, path);
  const plain = whole.length > 1 ? whole.replace(/\/$/, '') : whole;
  return end === null || path === '' ? plain : `${plain === '/' ? '' : plain}/${end[1]}`;
}
