import type { FileRegion } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { readLayerIndex } from '../layer/read-index.ts';
import type { Layer } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import type { SourceNode } from './context/file-source.ts';
import type { SelectedSource } from './context/select-files.ts';
import { openArchive } from './copy/open-archive.ts';
import { type CopyPlacing, type PlacedSource, placeCopy } from './copy/place-copy.ts';
import type { Placed } from './copy/placed.ts';
import { createStaging, type Staging } from './copy/staging.ts';
import { buildError } from './errors.ts';
import type { Fetched } from './remote/fetch-remotes.ts';
import type { GitEnvironment } from './remote/git-program.ts';
import type { CopyOp, CopySelection } from './select-copy.ts';
import type { StepSecrets } from './step-mounts.ts';

/** What all sources of one COPY share. */
export type SharedPlacing = Omit<CopyPlacing<SourceNode>, 'sources' | 'content'>;

export interface Copied {
  readonly layer: Layer;
  /** The selection with the digest of every content that was copied. */
  readonly copy: CopySelection;
}

export interface DiskCopyTools {
  readonly store: LocalStore;
  /** Variables for the git program. */
  readonly gitEnv?: GitEnvironment | undefined;
  readonly secrets?: Pick<StepSecrets, 'secrets'> | undefined;
}

type DiskSelection = CopySelection & { readonly kind: 'context' | 'inline' };
type Source = SelectedSource<SourceNode>;

/** The layer of files of the context, of inline text, and of what was fetched. @throws as `executeCopy` */
export async function copyFromDisk(
  op: CopyOp,
  copy: DiskSelection,
  shared: SharedPlacing,
  tools: DiskCopyTools,
  o: CallOptions,
): Promise<Copied> {
  const { store } = tools;
  const folder = copy.kind === 'context' ? copy.context.folder : '';
  const staging = createStaging(store);
  try {
    const sources: PlacedSource<SourceNode>[] = [];
    for (const source of copy.kind === 'context' ? copy.selection.sources : []) {
      const size = source.files[0]?.node.size ?? 0;
      const region = { path: `${folder}/${source.files[0]?.from}`, offset: 0, size };
      sources.push(op.unpack === undefined ? source : await unpacked(source, region, staging, o));
    }
    for (const fetched of copy.fetched ?? []) sources.push(await openFetched(op, fetched, tools, staging, o));
    const plan = placeCopy({
      ...shared,
      sources,
      content: ({ from, node }) => ({ kind: 'disk', path: `${folder}/${from}`, size: node.size }),
    });
    const layer = await writeLayer(store, plan, o);
    const packed = await packedDigests(store, layer, plan, folder);
    if (copy.kind === 'inline') return { layer, copy };
    const { context, selection } = copy;
    // The layer must hold what its key says: a file written meanwhile would come from the cache for ever.
    let isComplete = true;
    for (const { files } of selection.sources) {
      for (const { from, node } of files) {
        const digest = packed.get(from);
        if (digest !== undefined && node.digest !== undefined && node.digest !== digest) {
          throw buildError('BUILD_CONTEXT_CHANGED', { path: from });
        }
        if (node.kind === 'file' && node.digest === undefined) isComplete = false;
      }
    }
    // Known before it was packed, and remembered then.
    if (isComplete) return { layer, copy };
    // What another source replaced in the layer is in no layer, and still in the key.
    const complete = await context.hash(context.learn(selection, packed), o);
    return { layer, copy: { ...copy, selection: complete } };
  } finally {
    await staging.close();
  }
}

/** The same source, opened if it is an archive. */
async function unpacked(
  source: Source,
  region: FileRegion,
  staging: Staging,
  o: CallOptions,
): Promise<PlacedSource<SourceNode>> {
  const [self] = source.files;
  if (self === undefined || self.node.kind !== 'file' || self.node.digest === undefined) return source;
  const file = { name: self.from, region, digest: self.node.digest };
  return { ...source, archive: await openArchive(file, staging, o) };
}

async function openFetched(
  op: CopyOp,
  fetched: Fetched,
  { store, gitEnv: env = {}, secrets }: DiskCopyTools,
  staging: Staging,
  o: CallOptions,
): Promise<PlacedSource<SourceNode>> {
  if (fetched.kind === 'git') {
    const folder = await staging.folder();
    const { readGitFiles } = await import('./remote/git-files.ts');
    const files = await readGitFiles(fetched.git, fetched.resolved, folder, {
      ...o,
      access: { env, secrets: secrets?.secrets },
      exclude: op.exclude ?? [],
    });
    return {
      ...files,
      content: ({ from, node }) => ({ kind: 'disk', path: `${folder}/${from}`, size: node.size }),
    };
  }
  const { source, blob } = fetched;
  // Of a store without files the packing reads a copy.
  const region = (await store.locate(blob, o)) ?? (await staging.write(store.open(blob, o)));
  const opened: PlacedSource<SourceNode> = { ...source, content: () => ({ kind: 'region', ...region }) };
  return op.unpack === 'all' ? { ...opened, ...(await unpacked(source, region, staging, o)) } : opened;
}

/** Hex digests of what was packed, by path in the context; later names of a file have that of the first. @throws BUILD_CONTEXT_CHANGED where an archive's file is not what its index says */
async function packedDigests(
  store: LocalStore,
  layer: Layer,
  plan: readonly Placed[],
  folder: string,
): Promise<Map<string, string>> {
  const index = await readLayerIndex(store, layer);
  const digests = new Map<string, string>();
  plan.forEach(({ content, path, digest: wanted }, order) => {
    if (content === undefined || content.kind === 'bytes') return;
    const entry = index.at(order);
    if (entry.path !== path || entry.contentDigest === undefined) {
      throw new TypeError(`the layer's index has ${entry.path} where ${path} was packed`);
    }
    const digest = entry.contentDigest.slice('sha256:'.length);
    if (wanted !== undefined && wanted !== digest) {
      throw buildError('BUILD_CONTEXT_CHANGED', { path: content.path });
    }
    if (content.kind === 'disk' && content.path.startsWith(`${folder}/`)) {
      digests.set(content.path.slice(folder.length + 1), digest);
    }
  });
  return digests;
}
