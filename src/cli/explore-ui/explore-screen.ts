import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { OpenSource } from '../../app/explore.ts';
import { readRegion } from '../../base/bytes.ts';
import { fsPath } from '../../base/names.ts';
import { createLayerContents } from '../../layer/layer-contents.ts';
import type { Content } from '../../layer/types.ts';
import { fileError } from '../output-file.ts';
import type { CommandCall } from '../spec.ts';
import type { World } from './acting.ts';
import { runExplorer } from './run-explorer.ts';
import { openScreen } from './screen.ts';
import { createSubject } from './state.ts';

/** Of a file that is shown; more than anybody reads on a screen. */
const MOST_SHOWN = 4 * 1024 * 1024;

/** The explorer on the terminal; the exit code. Nothing is left but the files that were extracted. */
export async function exploreScreen(
  { terminal, takeSignals }: Pick<CommandCall, 'terminal' | 'takeSignals'>,
  name: string,
  { exploration, store }: Pick<OpenSource, 'exploration' | 'store'>,
): Promise<number> {
  const { image, indexes } = exploration;
  const contents = createLayerContents(store, image.layers, indexes);
  const contentOf = async (layer: number, order: number): Promise<Content> =>
    (await contents.open([{ layer, order }]))(layer, order);
  const files: Pick<World, 'read' | 'extract'> = {
    async read(layer, order) {
      return readBeginning(await contentOf(layer, order));
    },
    async extract(layer, order, to) {
      await writeNewFile(to, await contentOf(layer, order), indexes[layer]!.at(order).mode & 0o777);
    },
  };
  try {
    return await runExplorer({
      subject: createSubject(name, exploration),
      files,
      open: (on) => openScreen(terminal, on),
      takeSignals,
    });
  } finally {
    await contents.close();
  }
}

function readBeginning(content: Content): { readonly bytes: Uint8Array; readonly size: number } {
  if (content.kind === 'bytes')
    return { bytes: content.bytes.subarray(0, MOST_SHOWN), size: content.bytes.length };
  const bytes = Buffer.alloc(Math.min(content.size, MOST_SHOWN));
  const fd = openSync(fsPath(content.path), 'r');
  try {
    const from = content.kind === 'region' ? content.offset : 0;
    let done = 0;
    for (let got = -1; got !== 0 && done < bytes.length; done += got)
      got = readSync(fd, bytes, done, bytes.length - done, from + done);
    return { bytes: bytes.subarray(0, done), size: content.size };
  } finally {
    closeSync(fd);
  }
}

/** @throws FILE_UNWRITABLE, also if there is something of that name */
async function writeNewFile(path: string, content: Content, mode: number): Promise<void> {
  let fd: number;
  try {
    fd = openSync(fsPath(path), 'wx', mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw fileError('FILE_UNWRITABLE', { path, code }, { cause: error });
  }
  let whole = false;
  try {
    if (content.kind === 'bytes') writeAll(fd, content.bytes);
    else {
      const offset = content.kind === 'region' ? content.offset : 0;
      for await (const chunk of readRegion({ path: content.path, offset, size: content.size }))
        writeAll(fd, chunk);
    }
    whole = true;
  } finally {
    closeSync(fd);
    if (!whole) rmSync(fsPath(path), { force: true });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
