import { closeSync, openSync, readSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { matchGlob } from '../dockerfile/glob.ts';
import { readLayerIndex } from '../layer/read-index.ts';
import type { Layer, PlannedEntry } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { parseChmod } from './chmod.ts';
import type { SourceNode } from './context/file-source.ts';
import type { Context } from './context/open-context.ts';
import { describeMissing, type SelectedSource, selectFiles } from './context/select-files.ts';
import { createLayerContents } from './copy/layer-content.ts';
import { placeCopy } from './copy/place-copy.ts';
import { namesSomebody, type Owner, resolveOwner } from './copy/resolve-owner.ts';
import { createTreeSource, type TreeNode } from './copy/tree-source.ts';
import { buildError } from './errors.ts';
import type { Op } from './graph.ts';
import { type ImageView, readAccounts } from './image-view.ts';

export type CopyOp = Op & { readonly kind: 'copy' };

/** What a COPY takes, found before it is decided whether it has to run. */
export type CopySelection =
  | {
      readonly kind: 'context';
      readonly folder: string;
      readonly sources: readonly SelectedSource<SourceNode>[];
      readonly ignored: number;
    }
  | {
      readonly kind: 'image';
      readonly view: ImageView;
      readonly sources: readonly SelectedSource<TreeNode>[];
    };

export interface CopyTools {
  readonly store: LocalStore;
  readonly context: Context | undefined;
  /** The name of the ignore file, for messages. */
  readonly ignoreName: string;
  readonly epoch?: number | undefined;
}

/** The files that the COPY selects from the context, digests included. @throws BUILD_NO_CONTEXT, BUILD_NOT_IN_CONTEXT, BUILD_NOTHING_MATCHED */
export async function selectFromContext(
  op: CopyOp,
  tools: CopyTools,
  o: CallOptions = {},
): Promise<CopySelection> {
  const { instruction } = op;
  const { context } = tools;
  if (op.sources.length === 0) return { kind: 'context', folder: '', sources: [], ignored: 0 };
  if (context === undefined) throw buildError('BUILD_NO_CONTEXT', { instruction });
  const { sources, missing, ignored } = await context.select(op.sources, o);
  if (missing !== undefined) {
    const { path, near, broken } = missing;
    const line = missing.ignored && { file: tools.ignoreName, ...missing.ignored };
    throw buildError('BUILD_NOT_IN_CONTEXT', { instruction, path, near, broken, ignored: line });
  }
  if (sources.length === 0 && op.inline.length === 0) throw nothingMatched(op, 'the build context');
  return { kind: 'context', folder: context.folder, sources, ignored };
}

/** The files that COPY --from selects from an image. @throws BUILD_NOT_IN_SOURCE, BUILD_NOTHING_MATCHED */
export function selectFromImage(op: CopyOp, view: ImageView, from: string): CopySelection {
  const place = createTreeSource(view.tree);
  const { sources, missing } = selectFiles(place, op.sources, matchGlob);
  if (missing !== undefined) {
    const { near } = describeMissing(place, missing);
    const { instruction } = op;
    throw buildError('BUILD_NOT_IN_SOURCE', {
      instruction,
      path: `/${missing}`,
      from,
      near: near === undefined ? undefined : `/${near}`,
    });
  }
  if (sources.length === 0 && op.inline.length === 0) throw nothingMatched(op, from);
  return { kind: 'image', view, sources };
}

/**
 * The layer that a COPY makes over the image below: straight from where the files are, no root and no unpacking.
 * @throws what `placeCopy` and `writeLayer` throw; BUILD_CONTEXT_CHANGED when a file is not any more what the key says
 */
export async function executeCopy(
  op: CopyOp,
  selection: CopySelection,
  view: ImageView,
  tools: CopyTools,
  o: CallOptions = {},
): Promise<Layer> {
  const shared = {
    tree: view.tree,
    inline: op.inline,
    dest: op.dest,
    chmod: op.chmod === undefined ? undefined : parseChmod(op.chmod),
    owner: await ownerOf(op, view, tools, o),
    epoch: tools.epoch,
  };
  if (selection.kind === 'context') {
    const { folder, sources } = selection;
    if (op.instruction === 'ADD') refuseArchives(folder, sources);
    const plan = placeCopy({
      ...shared,
      sources,
      content: ({ from, node }) => ({ kind: 'disk', path: `${folder}/${from}`, size: node.size }),
    });
    const layer = await writeLayer(tools.store, plan, o);
    await proveUnchanged(tools.store, layer, plan, sources, folder);
    return layer;
  }
  const contents = createLayerContents(tools.store, selection.view.image.layers, selection.view.indexes);
  try {
    const wanted = selection.sources.flatMap(({ files }) =>
      files.filter(({ node }) => node.kind === 'file').map(({ node }) => node.inode),
    );
    const contentOf = await contents.open(wanted, o);
    const plan = placeCopy({
      ...shared,
      sources: selection.sources,
      content: ({ node }) => contentOf(node.inode.layer, node.inode.order),
    });
    return await writeLayer(tools.store, plan, o);
  } finally {
    await contents.close();
  }
}

async function ownerOf(
  op: CopyOp,
  view: ImageView,
  tools: CopyTools,
  o: CallOptions,
): Promise<Owner | undefined> {
  if (op.chown === undefined || op.chown === '') return undefined;
  const accounts = namesSomebody(op.chown)
    ? await readAccounts(tools.store, view, o)
    : { passwd: undefined, group: undefined };
  return resolveOwner(op.chown, accounts);
}

/** The layer must hold the contents that its key was made of: a file that was written meanwhile would be taken from the cache for ever. */
async function proveUnchanged(
  store: LocalStore,
  layer: Layer,
  plan: readonly PlannedEntry[],
  sources: readonly SelectedSource<SourceNode>[],
  folder: string,
): Promise<void> {
  const wanted = new Map<string, string | undefined>();
  for (const { files } of sources) {
    for (const { from, node } of files)
      if (node.kind === 'file') wanted.set(`${folder}/${from}`, node.digest);
  }
  const index = await readLayerIndex(store, layer);
  plan.forEach(({ content, path }, order) => {
    if (content?.kind !== 'disk') return;
    const entry = index.at(order);
    if (entry.path !== path || entry.contentDigest !== `sha256:${wanted.get(content.path)}`) {
      throw buildError('BUILD_CONTEXT_CHANGED', { path: content.path.slice(folder.length + 1) });
    }
  });
}

function nothingMatched(op: CopyOp, from: string): Error {
  return buildError('BUILD_NOTHING_MATCHED', { instruction: op.instruction, patterns: op.sources, from });
}

/** First bytes of what ADD would unpack: gzip, bzip2, xz, zstd. */
const MAGIC = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'];
const USTAR_AT = 257;

function refuseArchives(folder: string, sources: readonly SelectedSource<SourceNode>[]): void {
  for (const { files } of sources) {
    const [self] = files;
    if (self?.node.kind === 'file' && looksPacked(`${folder}/${self.from}`)) {
      throw buildError('BUILD_ADD_ARCHIVE', { path: self.from });
    }
  }
}

function looksPacked(path: string): boolean {
  const head = Buffer.alloc(512);
  const fd = openSync(fsPath(path), 'r');
  try {
    readSync(fd, head);
  } finally {
    closeSync(fd);
  }
  const hex = head.toString('hex', 0, 8);
  return (
    MAGIC.some((magic) => hex.startsWith(magic)) ||
    head.toString('latin1', USTAR_AT, USTAR_AT + 5) === 'ustar'
  );
}
