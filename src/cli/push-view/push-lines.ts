import type { PushNotice } from '../../app/push.ts';
import { shortId } from '../units.ts';
import { aloneLine, endLine, headerLine, layerWord, registryLine } from './push-text.ts';

/** Shows pushes as docker does where there is no terminal: a line for each thing that happens, no bars. */
export function createPushLines(write: (text: string) => void): (notice: PushNotice) => void {
  const line = (text: string | undefined): void => {
    if (text !== undefined) write(`${text}\n`);
  };
  return (notice) => {
    switch (notice.kind) {
      case 'begun':
        return line(headerLine(notice.repository));
      case 'layers':
        return line(notice.alone === undefined ? undefined : aloneLine(notice.alone));
      case 'layer': {
        const word = layerWord(notice);
        return line(word === undefined ? undefined : `${shortId(notice.layer.diffId)}: ${word}`);
      }
      case 'done':
        return line(endLine(notice));
      default:
        return line(registryLine(notice));
    }
  };
}
