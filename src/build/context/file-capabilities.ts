import { isDobosError, systemCode } from '../../base/errors.ts';
import { buildError } from '../errors.ts';
import type { DiskNode } from './disk-source.ts';
import type { SelectedFile, SelectedSource } from './select-files.ts';

const CAPABILITY = 'security.capability';

/**
 * The same sources, programs with the capabilities that their files give them (capabilities(7), spec build.md a.8): no other attribute of the
 * context goes into a layer. Only programs whose content is not known are asked: a file that has capabilities is never remembered, so one that is
 * remembered has none. Elsewhere than on Linux no file has any. Cost: 2 µs for each such program.
 * @throws BUILD_CONTEXT_UNREADABLE
 */
export async function addCapabilities(
  folder: string,
  sources: readonly SelectedSource<DiskNode>[],
): Promise<readonly SelectedSource<DiskNode>[]> {
  const isCandidate = ({ node }: SelectedFile<DiskNode>): boolean =>
    node.kind === 'file' && node.digest === undefined && (node.mode & 0o111) !== 0;
  if (process.platform !== 'linux' || !sources.some(({ files }) => files.some(isCandidate))) return sources;
  const { getXattr } = await import('../../linux/xattr.ts');
  const capabilityOf = (from: string): Buffer | undefined => {
    try {
      return getXattr(`${folder}/${from}`, CAPABILITY);
    } catch (error) {
      const code = errnoOf(error);
      // Gone meanwhile: whoever reads its content says so.
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw buildError(
        'BUILD_CONTEXT_UNREADABLE',
        { path: from, code: code ?? String(error) },
        { cause: error },
      );
    }
  };
  const complete = (file: SelectedFile<DiskNode>): SelectedFile<DiskNode> => {
    const value = isCandidate(file) ? capabilityOf(file.from) : undefined;
    if (value === undefined) return file;
    return { ...file, node: { ...file.node, xattrs: new Map([[CAPABILITY, value]]) } };
  };
  return sources.map((source) => ({ ...source, files: source.files.map(complete) }));
}

function errnoOf(error: unknown): string | undefined {
  if (isDobosError(error, 'LINUX_CALL')) return String(error.facts.code);
  return systemCode(error);
}
