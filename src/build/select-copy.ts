import type { CallOptions } from '../base/options.ts';
import type { SourceNode } from './context/file-source.ts';
import type { Context, ContextSelection } from './context/open-context.ts';
import { describeMissing, type SelectedSource } from './context/select-files.ts';
import { selectSources } from './context/select-sources.ts';
import { createTreeSource, type TreeNode } from './copy/tree-source.ts';
import { buildError } from './errors.ts';
import type { Op } from './graph.ts';
import type { ImageView } from './image-view.ts';
import type { Fetched } from './remote/fetch-remotes.ts';

export type CopyOp = Op & { readonly kind: 'copy' };

/** What a COPY takes, found before it is decided whether it has to run. */
export type CopySelection = LocalSelection & {
  /** Of ADD: what came from elsewhere. */
  readonly fetched?: readonly Fetched[] | undefined;
};

type LocalSelection =
  | { readonly kind: 'context'; readonly context: Context; readonly selection: ContextSelection }
  | {
      readonly kind: 'image';
      readonly view: ImageView;
      readonly sources: readonly SelectedSource<TreeNode>[];
    }
  /** Only text that stands in the Dockerfile. */
  | { readonly kind: 'inline' };

/** The files that the COPY selects from the context, listed. @throws BUILD_NO_CONTEXT, BUILD_NOT_IN_CONTEXT, BUILD_NOTHING_MATCHED */
export async function selectFromContext(
  op: CopyOp,
  context: Context | undefined,
  ignoreName: string,
  o: CallOptions = {},
): Promise<CopySelection> {
  const { instruction } = op;
  if (op.sources.length === 0) return { kind: 'inline' };
  if (context === undefined) throw buildError('BUILD_NO_CONTEXT', { instruction });
  const selection = await context.list(op.sources, { ...o, exclude: op.exclude, parents: op.parents });
  const { missing } = selection;
  if (missing !== undefined) {
    const { path, near, broken } = missing;
    const ignored = missing.ignored && { file: ignoreName, ...missing.ignored };
    throw buildError('BUILD_NOT_IN_CONTEXT', { instruction, path, near, broken, ignored });
  }
  if (selection.sources.length === 0 && !hasOthers(op)) throw nothingMatched(op, 'the build context');
  return { kind: 'context', context, selection };
}

/** The files that COPY --from selects from an image. @throws BUILD_NOT_IN_SOURCE, BUILD_NOTHING_MATCHED */
export function selectFromImage(op: CopyOp, view: ImageView, from: string): CopySelection {
  const place = createTreeSource(view.tree);
  const { sources, missing } = selectSources(place, op.sources, op);
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

/** What is selected, wherever it is. */
export function selectedSources(copy: CopySelection): readonly SelectedSource<SourceNode>[] {
  const local = copy.kind === 'context' ? copy.selection.sources : copy.kind === 'image' ? copy.sources : [];
  return copy.fetched === undefined ? local : [...local, ...copy.fetched.map(({ source }) => source)];
}

/** True if the COPY has more than the files of its place. */
function hasOthers({ inline, remotes }: CopyOp): boolean {
  return inline.length > 0 || remotes !== undefined;
}

function nothingMatched(op: CopyOp, from: string): Error {
  return buildError('BUILD_NOTHING_MATCHED', { instruction: op.instruction, patterns: op.sources, from });
}
