import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { createDiskSource } from '../build/context/disk-source.ts';
import { followLinks } from '../build/context/file-source.ts';
import { checkOut } from '../build/remote/checkout.ts';
import { parseGitSource } from '../build/remote/git-source.ts';
import type { RemoteSecrets } from '../build/remote/remote-auth.ts';
import { resolveCommit, showGitSource } from '../build/remote/resolve-commit.ts';
import { makeTempFolder, type TempFolder } from '../store/temp-folder.ts';
import type { App } from './app.ts';

type GitContextErrors = {
  BUILD_GIT_CONTEXT: { url: string; problem: string };
};
const gitContextError = errorMaker<GitContextErrors>({
  BUILD_GIT_CONTEXT: ({ url, problem }) => ({
    message: `the build context ${url} cannot be had: ${problem}`,
    hint: 'https://host/repository.git#REF:FOLDER is wanted',
  }),
});

/**
 * The files of a git repository in a folder of the store's, by `URL#REF:FOLDER` or `URL?ref=…&subdir=…`; without `.git` unless `keepGitDir`.
 * @throws BUILD_GIT_CONTEXT, BUILD_GIT, BUILD_GIT_MISSING, BUILD_GIT_REF
 */
export async function openGitContext(
  app: App,
  text: string,
  o: CallOptions & { readonly keepGitDir: boolean; readonly secrets?: RemoteSecrets | undefined },
): Promise<TempFolder> {
  const url = text.startsWith('github.com/') ? `https://${text}` : text;
  const source = parseGitSource(url);
  if ('problem' in source) {
    const shown = url.replace(/\/\/[^/@]*@/, '//');
    throw gitContextError('BUILD_GIT_CONTEXT', { url: shown, problem: source.problem });
  }
  const access = { env: app.settings.environment, secrets: o.secrets };
  const store = await app.store();
  const resolved = await resolveCommit(source, access, o);
  const temp = makeTempFolder(store.folder ?? app.settings.storeFolder);
  try {
    const root = join(temp.path, 'files');
    await checkOut(source, resolved, root, access, o);
    if (!o.keepGitDir && !source.keepGitDir) rmSync(join(root, '.git'), { recursive: true, force: true });
    // The repository is somebody else's: its links lead nowhere outside of it.
    const below = followLinks(createDiskSource(root), source.subdir);
    const folder = below === undefined || below === '' ? root : `${root}/${below}`;
    if (below === undefined || !lstatSync(folder).isDirectory()) {
      const problem = `it has no folder ${JSON.stringify(source.subdir)}`;
      throw gitContextError('BUILD_GIT_CONTEXT', { url: showGitSource(source), problem });
    }
    return { path: folder, remove: temp.remove };
  } catch (error) {
    temp.remove();
    throw error;
  }
}
