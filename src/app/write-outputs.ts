import { join } from 'node:path';
import type { ByteStream } from '../base/bytes.ts';
import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { mergeFiles } from '../build/export/merged-files.ts';
import { saveRootTar, streamRootTar } from '../build/export/save-root-tar.ts';
import { writeFolder } from '../build/export/write-folder.ts';
import { compressLayers } from '../image/compress-layers.ts';
import { nameImage } from '../image/name-image.ts';
import { saveImages, saveToFile } from '../image/save-images.ts';
import { type LayoutRoot, saveLayout, saveLayoutFolder, streamLayout } from '../image/save-layout.ts';
import { type IndexEntry, writeIndex } from '../image/write-index.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Annotations, Descriptor } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { type BuildOutput, type OutputPush, outputError } from './build-outputs.ts';

/** What a build made. */
export interface BuiltImages {
  /** One per platform, in the order they were asked for. */
  readonly entries: readonly IndexEntry[];
  /** The manifest, or the index over several. */
  readonly target: Descriptor;
  readonly indexAnnotations: Annotations;
  /** Of the entry in a layout's index.json. */
  readonly descriptorAnnotations: Annotations;
  /** Full names. */
  readonly names: readonly string[];
}

export interface OutputDoors extends CallOptions {
  /** Standard output. */
  readonly stdout: (bytes: Uint8Array) => Promise<void>;
  readonly warn: (message: string) => void;
  /** Sends the image or index under a full name. */
  readonly push: (name: string, target: Descriptor, how: OutputPush) => Promise<void>;
}

/** What cannot be written is said before anything is built. @throws OUTPUT_INVALID, OUTPUT_PUSH_NAME */
export function checkOutputs(
  outputs: readonly BuildOutput[],
  platforms: number,
  names: readonly string[],
): void {
  for (const output of outputs)
    if (output.kind === 'image' && output.push !== undefined && output.names.length + names.length === 0)
      throw outputError('OUTPUT_PUSH_NAME', {});
  const toStdout = outputs.filter((output) => 'dest' in output && output.dest === '-');
  if (toStdout.length > 1) {
    const problem = 'only one output goes to standard output';
    throw outputError('OUTPUT_INVALID', { text: `type=${toStdout[1]!.kind}`, problem });
  }
  if (platforms > 1 && outputs.some(({ kind }) => kind === 'docker')) {
    const problem = 'this archive holds one platform, and several are built; type=oci holds them all';
    throw outputError('OUTPUT_INVALID', { text: 'type=docker', problem });
  }
}

/** Writes each output, there under its name only when it is whole; folders are merged into. @throws BUILD_OUTPUT, ARCHIVE_WRITE, and errors of the store */
export async function writeOutputs(
  store: LocalStore,
  built: BuiltImages,
  outputs: readonly BuildOutput[],
  o: OutputDoors,
): Promise<void> {
  for (const output of outputs) await writeOutput(store, built, output, o);
}

async function writeOutput(
  store: LocalStore,
  built: BuiltImages,
  output: BuildOutput,
  o: OutputDoors,
): Promise<void> {
  switch (output.kind) {
    case 'local':
    case 'tar':
      return writeFiles(store, built, output, o);
    case 'docker': {
      const [{ image }] = built.entries as [IndexEntry];
      const names = output.names.length > 0 ? output.names : built.names;
      const selections = names.length === 0 ? [{ image }] : names.map((name) => ({ image, name }));
      if (output.dest === '-') return pour(saveImages(store, selections, o), o);
      return saveToFile(store, selections, output.dest, o);
    }
    case 'oci': {
      const target = await compressed(store, built, output, o);
      const names = output.names.length > 0 ? output.names : built.names;
      const roots: LayoutRoot[] = [{ target, names, annotations: built.descriptorAnnotations }];
      if (!output.tar) return saveLayoutFolder(store, roots, output.dest, o);
      if (output.dest === '-') return pour(streamLayout(store, roots, o), o);
      return saveLayout(store, roots, output.dest, o);
    }
    case 'image': {
      const { names, push } = output;
      if (push?.byDigest !== true) for (const name of names) await nameImage(store, name, built.target, o);
      if (push === undefined) return;
      for (const name of names.length > 0 ? names : built.names) await o.push(name, built.target, push);
      return;
    }
    case 'cacheonly':
      return;
    default:
      never(output);
  }
}

async function pour(bytes: ByteStream, o: OutputDoors): Promise<void> {
  for await (const chunk of bytes) await o.stdout(chunk);
}

/** The files of each image; of several platforms each in a folder of its own, `linux_arm64`. */
async function writeFiles(
  store: LocalStore,
  { entries }: BuiltImages,
  output: BuildOutput & { readonly kind: 'local' | 'tar' },
  o: OutputDoors,
): Promise<void> {
  const apart = entries.length > 1;
  const opened = [];
  try {
    for (const { image, platform } of entries) {
      const folder =
        apart && (output.split || output.kind === 'tar') ? formatPlatform(platform).replaceAll('/', '_') : '';
      opened.push({ folder, merged: await mergeFiles(store, image, o) });
    }
    if (output.kind === 'local') {
      for (const { folder, merged } of opened) {
        const left = await writeFolder(join(output.dest, folder), merged.entries, o);
        if (left.length > 0)
          o.warn(
            `${left.length} devices or pipes were not written to ${output.dest}: ${left[0]}${left.length > 1 ? ' …' : ''}`,
          );
      }
      return;
    }
    const all = opened.flatMap(({ folder, merged }) => inFolder(folder, merged.entries));
    if (output.dest === '-') await pour(streamRootTar(store, all, o), o);
    else await saveRootTar(store, output.dest, all, o);
  } finally {
    for (const { merged } of opened) await merged.close();
  }
}

type Entries = Awaited<ReturnType<typeof mergeFiles>>['entries'];

function inFolder(folder: string, entries: Entries): Entries {
  if (folder === '') return entries;
  const top = { path: folder, kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0 } as const;
  return [
    top,
    ...entries.map((entry) => ({
      ...entry,
      path: `${folder}/${entry.path}`,
      ...(entry.kind === 'hardlink' && { linkTo: `${folder}/${entry.linkTo}` }),
    })),
  ];
}

/** The same images stored as the output wants its layers. */
async function compressed(
  store: LocalStore,
  built: BuiltImages,
  { compression, level }: BuildOutput & { readonly kind: 'oci' },
  o: CallOptions,
): Promise<Descriptor> {
  if (compression === undefined) return built.target;
  const { writeImage } = await import('../image/write-image.ts');
  const entries: IndexEntry[] = [];
  for (const entry of built.entries) {
    const image = await compressLayers(entry.image, compression, store, { ...o, level });
    await writeImage(store, image, o);
    entries.push({ ...entry, image });
  }
  const [first] = entries as [IndexEntry];
  if (entries.length === 1) return first.image.descriptor;
  return writeIndex(store, entries, { ...o, annotations: built.indexAnnotations });
}
