import { flagOption, type OptionSpec, type OptionValues, textOption } from './spec.ts';

/** podman's and skopeo's words for a registry without a certificate that can be checked, or without TLS. */
export const TLS_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--tls-verify <bool>',
    summary: 'false: accept plain HTTP and certificates that cannot be checked',
    choices: ['true', 'false'],
    default: 'true',
    bare: 'true',
  },
  { flags: '--plain-http', summary: 'the same as --tls-verify=false' },
];

/** Whether these options say that TLS is not needed. */
export const isInsecure = (options: OptionValues): boolean =>
  textOption(options, 'tlsVerify') === 'false' || flagOption(options, 'plainHttp');
