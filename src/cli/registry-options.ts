import { cliError } from './errors.ts';
import { flagOption, type OptionSpec, type OptionValues, textOption } from './spec.ts';

/** podman's and skopeo's words for a registry without a certificate that can be checked, or without TLS. */
export const TLS_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--tls-verify <bool>',
    summary: 'check certificates; `false` takes any, and plain HTTP where there is no TLS',
    choices: ['true', 'false'],
    default: 'true',
  },
  { flags: '--plain-http', summary: 'the same as `--tls-verify=false`' },
];

/** Whether these options say that TLS is not needed. */
export const isInsecure = (options: OptionValues): boolean =>
  textOption(options, 'tlsVerify') === 'false' || flagOption(options, 'plainHttp');

/** The password on standard input: all of it but one line end. */
export async function passwordFrom(bytes: AsyncIterable<Uint8Array>, command: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of bytes) {
    parts.push(part);
    total += part.length;
    if (total > MAX_PASSWORD_BYTES)
      throw cliError('CLI_USAGE', {
        command,
        problem: `the password is longer than ${MAX_PASSWORD_BYTES} bytes`,
      });
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** A password or token is far smaller; no registry takes such a header. */
const MAX_PASSWORD_BYTES = 64 * 1024;
