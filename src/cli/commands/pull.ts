import { withoutTransport } from '../../app/image-names.ts';
import { pull, pullAllTags } from '../../app/pull.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { givenPlatform } from '../pull-option.ts';
import { createPullView } from '../pull-view/pull-view.ts';
import { isInsecure, TLS_OPTIONS } from '../registry-options.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'pull',
  aliases: ['image pull'],
  summary: 'Fetch an image from a registry',
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  arity: [1, 1],
  options: [
    { flags: '-a, --all-tags', summary: 'every tag of the repository', common: true },
    {
      flags: '--platform <os/arch>',
      summary: 'which image of an index; the one for this machine by default',
      common: true,
    },
    { flags: '-q, --quiet', summary: 'print the name only', common: true },
    ...TLS_OPTIONS,
    {
      flags: '--disable-content-trust',
      summary: 'accepted for scripts; every byte is checked against its digest in any case',
    },
  ],
  examples: [
    'dobos pull debian:12',
    'dobos pull --platform linux/arm64 debian:12',
    'dobos pull localhost:5000/app@sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc',
  ],
  limits: [
    'Of an index the image of one platform is fetched. What an interrupted pull has fetched stays for the next one, up to a week.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const name = args[0]!;
    const reference = parseReference(withoutTransport(name));
    const quiet = flagOption(options, 'quiet');
    const view = quiet ? undefined : await createPullView(terminal, 'out');
    const request = {
      insecure: isInsecure(options),
      ...givenPlatform(app, options),
      signal,
      onEvent: view?.show,
    };
    let printed: string;
    try {
      if (flagOption(options, 'allTags')) {
        await pullAllTags(app, name, request);
        printed = formatReference(reference);
      } else {
        const { tag, digest } = reference;
        if (!quiet && tag === undefined && digest === undefined)
          await terminal.out('Using default tag: latest\n');
        printed = (await pull(app, name, request)).name;
      }
    } finally {
      view?.end(signal.aborted);
    }
    await terminal.out(`${printed}\n`);
    return 0;
  },
};
