import type { PullNotice } from '../../app/pull.ts';
import { shortId } from '../units.ts';
import { endLines, headerLine, LAYER_WORDS, missingLine, noticeLine } from './pull-text.ts';

/** Shows pulls as docker does where there is no terminal: a line for each thing that happens, no bars. */
export function createPullLines(write: (text: string) => void): (notice: PullNotice) => void {
  const verified = new Set<string>();
  const line = (text: string): void => write(`${text}\n`);
  return (notice) => {
    switch (notice.kind) {
      case 'begun':
        if (notice.missing) line(missingLine(notice.name));
        return;
      case 'layers':
        return line(headerLine(notice.name));
      case 'layer': {
        const id = shortId(notice.layer.digest);
        const { state, done } = notice;
        if (state === 'present' || state === 'waiting') line(`${id}: ${LAYER_WORDS[state]}`);
        else if (state === 'moved' && done === notice.layer.size && !verified.has(id)) {
          verified.add(id);
          line(`${id}: ${LAYER_WORDS.verifying}`);
        } else if (state === 'stored') line(`${id}: ${LAYER_WORDS.fetched}\n${id}: ${LAYER_WORDS.stored}`);
        return;
      }
      case 'done':
        return line(endLines(notice).join('\n'));
      default: {
        const said = noticeLine(notice);
        if (said !== undefined) line(said);
      }
    }
  };
}
