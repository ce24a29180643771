import { openSource } from '../../app/explore.ts';
import { exploreError } from '../../explore/errors.ts';
import { chooseLayer, locatePath } from '../../explore/locate-path.ts';
import { openFile } from '../../explore/read-files.ts';
import { SOURCE_OPTIONS, sourceOptions } from '../source-options.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'cat',
  aliases: [],
  summary: 'Print files of an image, of any of its layers',
  usage: '[OPTIONS] IMAGE PATH [PATH...]',
  arity: [2, 1000],
  options: [
    { flags: '--layer <n>', summary: 'the image as it is after this layer; 0 is the base', common: true },
    ...SOURCE_OPTIONS,
  ],
  examples: [
    'dobos cat app /etc/os-release',
    'dobos cat --layer 1 app /secret.txt',
    'dobos cat app.tar /etc/passwd',
  ],
  limits: [
    'On a terminal control characters are shown as symbols; anywhere else every byte is as it is in the image.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [image = '', ...paths] = args;
    const { exploration, store, close } = await openSource(app, image, {
      ...sourceOptions(app, terminal, options),
      bare: true,
      signal,
    });
    try {
      const layer = chooseLayer(exploration, image, textOption(options, 'layer'));
      const files = paths.map((path) => {
        const found = locatePath(exploration, layer, path);
        const { kind } = found.inode;
        if (kind === 'directory') throw exploreError('EXPLORE_FOLDER', { path: found.path });
        if (kind !== 'file')
          throw exploreError('EXPLORE_SPECIAL', { path: found.path, kind: KINDS[kind] ?? kind });
        return found;
      });
      for (const { inode } of files) {
        const decoder = new TextDecoder();
        for await (const chunk of openFile(exploration, store, inode, { signal }))
          await terminal.out(terminal.outIsTty ? symbols(decoder.decode(chunk, { stream: true })) : chunk);
        if (terminal.outIsTty) await terminal.out(symbols(decoder.decode()));
      }
      return 0;
    } finally {
      await close();
    }
  },
};

const KINDS: Readonly<Record<string, string>> = {
  character: 'character device',
  block: 'block device',
  fifo: 'pipe',
};

/** The text with control characters as the symbols that Unicode has for them: no terminal obeys it. Line ends and tabs stay. */
export function symbols(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (each) => String.fromCharCode(0x2400 + each.charCodeAt(0)))
    .replaceAll('\u007f', '\u2421')
    .replace(/[\u0080-\u009f]/g, '\ufffd');
}
