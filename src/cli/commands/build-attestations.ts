import { cliError } from '../errors.ts';
import { listOption, type OptionSpec, type OptionValues, textOption } from '../spec.ts';

/** What says that no attestations are wanted, as buildx reads it. */
const OFF = /^(?:0|f|false)$/i;

export const ATTESTATION_OPTIONS: readonly OptionSpec[] = [
  { flags: '--provenance <mode>', summary: 'accepted as `false`: no attestations are made' },
  { flags: '--sbom <mode>', summary: 'accepted as `false`: no attestations are made' },
  {
    flags: '--attest <type>',
    summary: 'accepted as `type=sbom,disabled=true`: no attestations are made',
    repeat: true,
  },
];

/** Attestations that were asked for are not made, and nobody should believe that they were. @throws CLI_LATER */
export function refuseAttestations(options: OptionValues): void {
  const refuse = (flag: string): never => {
    throw cliError(
      'CLI_LATER',
      { command: `build ${flag}` },
      {
        hint: 'leave it out, or give --provenance=false --sbom=false: the image is the same without attestations',
      },
    );
  };
  for (const name of ['provenance', 'sbom']) {
    const value = textOption(options, name);
    if (value !== undefined && !OFF.test(value)) refuse(`--${name}=${value}`);
  }
  for (const value of listOption(options, 'attest')) {
    const disabled = value.split(',').some((field) => /^disabled(?:=(?:1|t|true))?$/i.test(field));
    if (!disabled) refuse(`--attest ${value}`);
  }
}
