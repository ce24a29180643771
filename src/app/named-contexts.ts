import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import type { ContextFolder } from '../build/build-image.ts';
import { contextKey, type NamedContext, type NamedContexts } from '../build/context-names.ts';
import type { App } from './app.ts';
import { isGitContext, openArchiveFolder, type PlaceOptions } from './build-place.ts';

type NamedErrors = {
  BUILD_NAMED_CONTEXT: { text: string; problem: string };
};
const namedError = errorMaker<NamedErrors>({
  BUILD_NAMED_CONTEXT: ({ text, problem }) => ({
    message: `--build-context ${text}: ${problem}`,
    hint: 'NAME=FOLDER, NAME=oci:LAYOUT[:TAG], NAME=docker-image://IMAGE or NAME=https://host/context.tar.gz',
  }),
});

export interface OpenedContexts {
  readonly contexts: NamedContexts;
  readonly folders: ReadonlyMap<string, ContextFolder>;
  /** Removes what was unpacked. */
  close(): Promise<void>;
}

/** Opens what `--build-context name=value` options name; folders are used where they are, archives unpacked in the store. @throws BUILD_NAMED_CONTEXT, BUILD_CONTEXT_ARCHIVE, HTTP_ errors */
export async function openNamedContexts(
  app: App,
  texts: readonly string[],
  o: PlaceOptions,
): Promise<OpenedContexts> {
  const contexts = new Map<string, NamedContext>();
  const folders = new Map<string, ContextFolder>();
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0)) await each();
  };
  try {
    for (const text of texts) {
      const cut = text.indexOf('=');
      const [name, value] = [text.slice(0, Math.max(0, cut)).trim(), text.slice(cut + 1)];
      const invalid = (problem: string) => namedError('BUILD_NAMED_CONTEXT', { text, problem });
      if (cut < 0 || name === '') throw invalid('want name=value');
      if (value === '') throw invalid('it names no place');
      if (name === 'context') throw invalid('the name "context" is taken');
      const key = contextKey(name);
      const image = imageOf(value);
      if (image !== undefined) {
        contexts.set(key, { kind: 'image', name: image });
        continue;
      }
      if (/^(?:target|input):/.test(value)) throw invalid('targets of a bake file are not known here');
      contexts.set(key, { kind: 'folder', key });
      if (isGitContext(value)) {
        const { openGitContext } = await import('./git-context.ts');
        const folder = await openGitContext(app, value, o);
        closing.push(async () => folder.remove());
        folders.set(key, { folder: folder.path, foreign: true });
        continue;
      }
      if (/^https?:\/\//.test(value)) {
        const { downloadContext } = await import('./download-context.ts');
        const download = await downloadContext(app, value, o);
        try {
          const folder = await openArchiveFolder(app, value, download.bytes, o);
          if (folder === undefined) throw invalid('the URL gives no archive');
          closing.push(async () => folder.remove());
          folders.set(key, { folder: folder.path, foreign: true });
        } finally {
          await download.close();
        }
        continue;
      }
      const found = statSync(value, { throwIfNoEntry: false });
      if (found?.isDirectory() !== true)
        throw invalid(found === undefined ? 'there is no such folder' : 'it is not a folder');
      folders.set(key, { folder: resolve(value) });
    }
    return { contexts, folders, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The name of an image for `resolveBase`, if the value is one: docker's `docker-image://` and `oci-layout://`, and what FROM takes here. */
function imageOf(value: string): string | undefined {
  const [, scheme, rest] = /^(docker-image|docker|oci-layout):\/\/(.+)$/s.exec(value) ?? [];
  if (scheme === 'oci-layout') return `oci:${rest}`;
  if (scheme !== undefined) return rest;
  return /^(?:oci|oci-archive|docker-archive):./.test(value) ? value : undefined;
}
