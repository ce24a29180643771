import { relative } from 'node:path';
import type { OpenSource } from '../../app/explore.ts';
import { extractPath } from '../../explore/extract-tree.ts';
import { openFile } from '../../explore/read-files.ts';
import type { CommandCall } from '../spec.ts';
import type { World } from './acting.ts';
import { runExplorer } from './run-explorer.ts';
import { openScreen } from './screen.ts';
import { createSubject } from './state.ts';

/** Of a file that is shown; more than anybody reads on a screen. */
const MOST_SHOWN = 4 * 1024 * 1024;

/** The explorer on the terminal; the exit code. Nothing is left but what was extracted. */
export async function exploreScreen(
  { terminal, takeSignals }: Pick<CommandCall, 'terminal' | 'takeSignals'>,
  name: string,
  { exploration, store }: Pick<OpenSource, 'exploration' | 'store'>,
): Promise<number> {
  const over = new AbortController();
  const { signal } = over;
  const files: Pick<World, 'read' | 'extract'> = {
    async read(layer, order) {
      const parts: Buffer[] = [];
      let size = 0;
      for await (const chunk of openFile(exploration, store, { layer, order }, { signal })) {
        // A producer may use its chunk again.
        parts.push(Buffer.from(chunk));
        size += chunk.length;
        if (size >= MOST_SHOWN) break;
      }
      const bytes = Buffer.concat(parts).subarray(0, MOST_SHOWN);
      return { bytes, size: exploration.indexes[layer]!.at(order).size };
    },
    async extract(what, to) {
      const { target } = await extractPath(exploration, store, what, to, { signal });
      return relative('', target);
    },
  };
  const subject = createSubject(name, exploration);
  try {
    return await runExplorer({ subject, files, open: (on) => openScreen(terminal, on), takeSignals });
  } finally {
    // Who leaves does not wait for what is half written: it goes.
    over.abort();
  }
}
