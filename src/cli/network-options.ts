import type { NetworkOptions } from '../app/network-options.ts';
import { flagOption, listOption, type OptionSpec, type OptionValues, textOption } from './spec.ts';

/** What `run` and `create` take about the network. */
export const NETWORK_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-p, --publish <port>',
    summary: 'a port of this machine for one inside: 8080:80, 127.0.0.1:81:80, 53:53/udp',
    repeat: true,
    common: true,
  },
  { flags: '-P, --publish-all', summary: 'every exposed port on a free one' },
  { flags: '--expose <port>', summary: 'expose it, as EXPOSE does', repeat: true },
  {
    flags: '--network <mode>',
    summary: 'host, none, bridge or container:NAME; bridge if a port is published, host otherwise',
  },
  { flags: '--net <mode>', summary: 'the same' },
];

export const networkOptions = (options: OptionValues): NetworkOptions => ({
  network: textOption(options, 'network') ?? textOption(options, 'net'),
  publish: listOption(options, 'publish'),
  publishAll: flagOption(options, 'publishAll'),
  expose: listOption(options, 'expose'),
});
