import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/base/bytes.ts';
import type { BuildEvent } from '../../src/build/build-events.ts';
import { type BuildImageOptions, buildImage } from '../../src/build/build-image.ts';
import type { BuildResult } from '../../src/build/run-build.ts';
import { sealImage } from '../../src/image/seal-image.ts';
import type { Image } from '../../src/image/types.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { readLayerIndex } from '../../src/layer/read-index.ts';
import type { LayerEntry, PlannedEntry } from '../../src/layer/types.ts';
import { writeLayer } from '../../src/layer/write-layer.ts';
import type { ContainerConfig } from '../../src/oci/types.ts';
import type { Keeper, RunRequest } from '../../src/runtime/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';

export const LINUX = { os: 'linux', architecture: 'amd64' } as const;

/** A file as `[text, mode]`, a symlink as `{ link }`, a directory as `{ dir: mode }`. */
type Made = string | readonly [string, number] | { readonly link: string } | { readonly dir: number };

/** A temporary folder with these files. */
export function makeFolder(files: Readonly<Record<string, Made>>): {
  readonly path: string;
  write(files: Readonly<Record<string, Made>>): void;
  remove(): void;
} {
  const path = mkdtempSync(join(tmpdir(), 'dobos-build-'));
  const write = (more: Readonly<Record<string, Made>>): void => {
    for (const [name, made] of Object.entries(more)) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      if (typeof made === 'string') writeFileSync(file, made);
      else if ('link' in made) symlinkSync(made.link, file);
      else if ('dir' in made) {
        mkdirSync(file, { recursive: true });
        chmodSync(file, made.dir);
      } else {
        writeFileSync(file, made[0]);
        chmodSync(file, made[1]);
      }
      // Long ago, so that no file is too fresh to be remembered by its stamp.
      if (typeof made === 'string' || Array.isArray(made)) utimesSync(file, 1_600_000_000, 1_600_000_000);
    }
  };
  write(files);
  return { path, write, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A keeper that runs nothing: each command leaves one file; `exit N` fails so. Counts what it is asked to run. */
export function createFakeKeeper(store: LocalStore): Keeper & { readonly runs: RunRequest[] } {
  const runs: RunRequest[] = [];
  return {
    runs,
    executor: async () => ({ name: 'fake', detail: '' }),
    async run(request, o = {}) {
      runs.push(request);
      const command = request.process.args.join(' ');
      o.onEvent?.({ stream: 'stdout', bytes: Buffer.from(`ran ${command}\n`) });
      const code = Number(/exit (\d+)/.exec(command)?.[1] ?? 0);
      if (code !== 0) return { exit: { code } };
      const text = JSON.stringify(request.process.env);
      const entry = file(`ran/${sha256(command).slice(7, 15)}`, text);
      const layer = await writeLayer(store, [dir('ran'), entry], o);
      return { exit: { code: 0 }, layer: { blob: layer.blob, diffId: layer.diffId } };
    },
    exec: async () => ({ code: 0 }),
    signalContainer: async () => {},
    unpack: async () => {},
    collectSnapshots: async () => ({ bytes: 0, removed: 0 }),
    listSnapshots: async () => [],
    listCacheMounts: async () => [],
    removeCacheMounts: async () => [],
    rootChanges: async () => [],
    commitRoot: async () => undefined,
    packRoot: async () => 0,
    folderBytes: async () => [],
    rootBytes: async (roots) => roots.map(() => 0),
    discardRoot: async () => {},
    openNetwork: async () => ({ id: 1, network: 'host', ports: [] }),
    closeNetwork: async () => {},
    writeBundle: async () => {},
    removeFolder: async () => {},
    close: async () => {},
  };
}

const common = { uid: 0, gid: 0, mtime: 1_500_000_000 };
export const dir = (path: string, more: Partial<PlannedEntry> = {}): PlannedEntry => ({
  ...common,
  path,
  kind: 'directory',
  mode: 0o755,
  ...more,
});
export const file = (path: string, text: string, more: Partial<PlannedEntry> = {}): PlannedEntry => ({
  ...common,
  path,
  kind: 'file',
  mode: 0o644,
  content: { kind: 'bytes', bytes: Buffer.from(text) },
  ...more,
});
export const link = (path: string, linkTo: string): PlannedEntry => ({
  ...common,
  path,
  kind: 'symlink',
  mode: 0o777,
  linkTo,
});

/** An image of one layer with these entries, in the store. */
export async function makeBase(
  store: LocalStore,
  entries: readonly PlannedEntry[],
  config: ContainerConfig = {},
): Promise<Image> {
  const layer = await writeLayer(store, entries);
  const created = '2020-01-01T00:00:00.000Z';
  const history = [{ created, created_by: 'made for a test' }];
  const rootfs = { type: 'layers' as const, diff_ids: [] };
  const image = sealImage({ ...LINUX, created, config, rootfs, history }, [layer]);
  await writeImage(store, image);
  return image;
}

export interface TestBuild extends BuildResult {
  readonly events: readonly BuildEvent[];
}

/** Builds a Dockerfile text; `base` is what every FROM of a name means. */
export async function build(
  store: LocalStore,
  dockerfileText: string,
  o: Partial<BuildImageOptions> & { readonly base?: Image | undefined } = {},
): Promise<TestBuild> {
  const events: BuildEvent[] = [];
  const { base, ...rest } = o;
  const result = await buildImage({
    store,
    contextFolder: undefined,
    dockerfileText,
    dockerfileName: 'Dockerfile',
    platform: LINUX,
    buildPlatform: LINUX,
    resolveBase: async (name) => {
      if (base === undefined) throw new Error(`no image ${name} in this test`);
      return base;
    },
    now: Date.now,
    onEvent: (event) => events.push(event),
    ...rest,
  });
  return { ...result, events };
}

/** The entries of the image's top layer, by path. */
export async function topLayer(store: LocalStore, image: Image): Promise<Map<string, LayerEntry>> {
  const layer = image.layers.at(-1)!;
  const index = await readLayerIndex(store, openLayer(store, layer.blob, layer.diffId));
  return new Map([...index.entries()].map((entry) => [entry.path, entry]));
}

/** `path kind mode uid:gid` of every entry of the top layer, directories with a slash, links with their target. */
export async function describeTop(store: LocalStore, image: Image): Promise<string[]> {
  const entries = await topLayer(store, image);
  return [...entries.values()].map(({ path, kind, mode, uid, gid, linkTo }) => {
    const name = kind === 'directory' ? `${path}/` : linkTo === undefined ? path : `${path} -> ${linkTo}`;
    return `${name} ${kind === 'hardlink' ? 'hard ' : ''}${mode.toString(8)} ${uid}:${gid}`;
  });
}

/** The store, counting what is written to it. */
export function countWrites(store: LocalStore): LocalStore & { readonly writes: string[] } {
  const writes: string[] = [];
  const counted =
    <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
    (...args: A): R => {
      writes.push(name);
      return call(...args);
    };
  return {
    ...store,
    writes,
    put: counted('put', store.put),
    ingest: counted('ingest', store.ingest),
    stage: counted('stage', store.stage),
    tag: counted('tag', store.tag),
    lease: counted('lease', store.lease),
    notes: { ...store.notes, put: counted('note', store.notes.put) },
    roots: {
      ...store.roots,
      put: counted('root', store.roots.put),
      touch: counted('touch', store.roots.touch),
    },
  };
}
