import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { basesOf, planBuild } from '../build/plan.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { importRootfs } from '../image/import-rootfs.ts';
import { keepUntagged, nameImage } from '../image/name-image.ts';
import type { SaveSelection } from '../image/save-images.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import type { ContainerConfig } from '../oci/types.ts';
import type { App } from './app.ts';
import { findNamedImage } from './find-image.ts';
import { fullName, namesOf } from './image-names.ts';

/** What `save` writes for these names and ids: an image named by id goes out under all its names. @throws IMAGE_UNKNOWN */
export async function selectImages(app: App, texts: readonly string[]): Promise<SaveSelection[]> {
  const store = await app.store();
  const selections: SaveSelection[] = [];
  for (const text of texts) {
    const { image, name, target } = await findNamedImage(app, text);
    const names = name === undefined ? await namesOf(store, target.digest) : [name];
    if (names.length === 0) selections.push({ image });
    else selections.push(...names.map((each) => ({ image, name: each })));
  }
  return selections;
}

export interface ImportRequest extends CallOptions {
  readonly tar: ByteStream;
  /** For the row of history: a path, or `-`. */
  readonly source: string;
  readonly name?: string | undefined;
  /** Dockerfile instructions that change the config. */
  readonly changes: readonly string[];
  readonly message?: string | undefined;
}

/** Makes a one-layer image of a root file system's tar; without a name it stays as `<none>`. @throws DOCKERFILE_…, PLAN_…, IMPORT_… */
export async function importImage(app: App, o: ImportRequest): Promise<Image> {
  const name = o.name === undefined ? undefined : fullName(o.name);
  const config = configOfChanges(app, o.changes);
  const store = await app.store();
  const epoch = app.settings.epoch();
  const image = await importRootfs(store, o.tar, {
    platform: app.settings.hostPlatform,
    config,
    message: o.message,
    source: o.source,
    created: new Date(epoch === undefined ? app.settings.now() : epoch * 1000).toISOString(),
    signal: o.signal,
  });
  if (name === undefined) await keepUntagged(store, image.descriptor);
  else await nameImage(store, name, image.descriptor);
  return image;
}

/** The configuration that these instructions come to on that of a base, or on an empty one. @throws DOCKERFILE_…, PLAN_… */
export function configOfChanges(
  app: App,
  changes: readonly string[],
  base: ContainerConfig = {},
): ContainerConfig {
  if (changes.length === 0) return base;
  const platform = app.settings.hostPlatform;
  const { os, architecture } = platform;
  const file = parseDockerfile(['FROM base', ...changes, ''].join('\n'));
  const o = { buildArgs: new Map(), platform, buildPlatform: platform, fileName: '--change' };
  const image = sealImage({ os, architecture, config: base, rootfs: { type: 'layers', diff_ids: [] } }, []);
  const graph = planBuild(file, new Map(basesOf(file, o).map(({ key }) => [key, image])), o);
  const merged: Record<string, unknown> = { ...base };
  for (const { op } of graph.steps) {
    if (op.kind === 'config') Object.assign(merged, op.config);
    if (op.kind === 'workdir') merged.WorkingDir = op.path;
  }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}
