import type { CallOptions } from '../base/options.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { createLayerContents } from '../layer/layer-contents.ts';
import type { Layer } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { parseChmod } from './chmod.ts';
import { placeCopy } from './copy/place-copy.ts';
import { namesSomebody, type Owner, resolveOwner } from './copy/resolve-owner.ts';
import { type Copied, copyFromDisk, type DiskCopyTools, type SharedPlacing } from './copy-from-disk.ts';
import { type ImageView, readAccounts } from './image-view.ts';
import type { CopyOp, CopySelection } from './select-copy.ts';

export interface CopyTools extends DiskCopyTools {
  readonly epoch?: number | undefined;
}

/**
 * The layer that a COPY makes over the image below: straight from where the files are, no root and no unpacking. Contents not hashed yet get their
 * digest from the packing: every byte is read once.
 * @throws what `placeCopy` and `writeLayer` throw; BUILD_CONTEXT_CHANGED when a file is not any more what its digest says
 */
export async function executeCopy(
  op: CopyOp,
  copy: CopySelection,
  below: () => Promise<ImageView>,
  tools: CopyTools,
  o: CallOptions = {},
): Promise<Copied> {
  const { store, epoch } = tools;
  const view = op.link === true ? undefined : await below();
  const shared = {
    tree: view?.tree ?? emptyTree(),
    inline: op.inline,
    dest: op.dest,
    chmod: op.chmod === undefined ? undefined : parseChmod(op.chmod),
    owner: await ownerOf(op, view, store, o),
    epoch,
  };
  switch (copy.kind) {
    case 'inline':
    case 'context':
      return copyFromDisk(op, copy, shared, tools, o);
    case 'image':
      return { copy, layer: await copyFromImage(copy, shared, store, o) };
  }
}

async function copyFromImage(
  copy: CopySelection & { readonly kind: 'image' },
  shared: SharedPlacing,
  store: LocalStore,
  o: CallOptions,
): Promise<Layer> {
  const { view, sources } = copy;
  const contents = createLayerContents(store, view.image.layers, view.indexes);
  try {
    const wanted = sources.flatMap(({ files }) =>
      files.filter(({ node }) => node.kind === 'file').map(({ node }) => node.inode),
    );
    const contentOf = await contents.open(wanted, o);
    const content = ({ node }: (typeof sources)[number]['files'][number]) =>
      contentOf(node.inode.layer, node.inode.order);
    return await writeLayer(store, placeCopy({ ...shared, sources, content }), o);
  } finally {
    await contents.close();
  }
}

async function ownerOf(
  op: CopyOp,
  view: ImageView | undefined,
  store: LocalStore,
  o: CallOptions,
): Promise<Owner | undefined> {
  if (op.chown === undefined || op.chown === '') return undefined;
  const accounts =
    view !== undefined && namesSomebody(op.chown)
      ? await readAccounts(store, view, o)
      : { passwd: undefined, group: undefined };
  return resolveOwner(op.chown, accounts);
}
