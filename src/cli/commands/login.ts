import { checkServerLogin, keepLogin, knownLogin, loginServer } from '../../app/login.ts';
import { isDobosError } from '../../base/errors.ts';
import type { Credential } from '../../registry/types.ts';
import { cliError } from '../errors.ts';
import { createPrompt } from '../prompt.ts';
import { noticeLine } from '../pull-view/pull-text.ts';
import { isInsecure, TLS_OPTIONS } from '../registry-options.ts';
import { type CommandCall, type CommandSpec, flagOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'login',
  aliases: [],
  summary: 'Log in to a registry: the credentials are tried, then kept where docker and podman find them too',
  usage: '[OPTIONS] [SERVER]',
  arity: [0, 1],
  options: [
    {
      flags: '-u, --username <name>',
      summary: 'the user; asked for on a terminal when absent',
      common: true,
    },
    { flags: '--password-stdin', summary: 'read the password or token from standard input', common: true },
    {
      flags: '-p, --password <password>',
      summary: 'the password or token; everybody on this machine can see it while it runs',
    },
    ...TLS_OPTIONS,
  ],
  examples: [
    'dobos login',
    'dobos login registry.example:5000 -u ann',
    'pass show registry | dobos login -u ann --password-stdin registry.example',
  ],
  limits: [
    'Without SERVER it is Docker Hub. docs/registries.md says where credentials are kept and looked for.',
  ],
  async run(call) {
    const { app, terminal, args, options, signal } = call;
    const server = loginServer(args[0]);
    const given = await givenCredential(call);
    const insecure = isInsecure(options);
    const check = (credential: Credential): Promise<void> =>
      checkServerLogin(app, server, credential, {
        insecure,
        signal,
        onEvent: (notice) => {
          const line = noticeLine(notice);
          if (line !== undefined) terminal.err(`${line}\n`);
        },
      });
    const asksUser = given === undefined && textOption(options, 'username') === undefined;
    const known = asksUser ? await knownLogin(app, server, { signal }) : undefined;
    if (known !== undefined && (await stillGood(call, known, check))) {
      await terminal.out('Login Succeeded\n');
      return 0;
    }
    const credential = given ?? (await askFor(call, known));
    await check(credential);
    const { file, helper } = await keepLogin(app, server, credential, { signal });
    if (helper === undefined) {
      terminal.err(
        `\nWARNING! Your password is stored unencrypted in '${file}'.\nConfigure a credential helper to remove this warning: see docs/registries.md\n\n`,
      );
    }
    await terminal.out('Login Succeeded\n');
    return 0;
  },
};

const usage = (problem: string, hint?: string): Error =>
  cliError('CLI_USAGE', { command: 'login', problem }, hint === undefined ? {} : { hint });

/** What the options say; undefined when the password is to be asked for. */
async function givenCredential({ terminal, options }: CommandCall): Promise<Credential | undefined> {
  const username = textOption(options, 'username');
  const password = textOption(options, 'password');
  const fromStdin = flagOption(options, 'passwordStdin');
  if (username?.includes(':')) throw usage('a user name has no colon');
  if (fromStdin && password !== undefined)
    throw usage('--password and --password-stdin are mutually exclusive');
  if ((fromStdin || password !== undefined) && !username)
    throw usage(`must provide --username with ${fromStdin ? '--password-stdin' : '--password'}`);
  if (password !== undefined)
    terminal.err('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  const secret = fromStdin ? await passwordFrom(terminal.stdin()) : password;
  if (secret === undefined) return undefined;
  if (secret === '') throw usage('the password is empty');
  return { kind: 'basic', username: username!, password: secret };
}

/** A password or token is far smaller; no registry takes such a header. */
const MAX_PASSWORD_BYTES = 64 * 1024;

/** The password on standard input: all of it but one line end. */
async function passwordFrom(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of bytes) {
    parts.push(part);
    total += part.length;
    if (total > MAX_PASSWORD_BYTES) throw usage(`the password is longer than ${MAX_PASSWORD_BYTES} bytes`);
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** True if what is known already is taken by the registry; says so, and why not. */
async function stillGood(
  { terminal }: CommandCall,
  known: Credential,
  check: (credential: Credential) => Promise<void>,
): Promise<boolean> {
  if (known.kind === 'bearer') return false;
  terminal.err('Authenticating with existing credentials...\n');
  try {
    await check(known);
    return true;
  } catch (error) {
    if (!isDobosError(error, 'CREDENTIALS_REFUSED') || !terminal.inIsTty) throw error;
    terminal.err('Login did not succeed: the registry refuses them\n');
    return false;
  }
}

async function askFor(
  { terminal, options, signal }: CommandCall,
  known: Credential | undefined,
): Promise<Credential> {
  if (!terminal.inIsTty)
    throw usage(
      'cannot perform an interactive login from a non TTY device',
      'send the password: --username NAME --password-stdin',
    );
  const prompt = createPrompt(terminal, { signal });
  let username = textOption(options, 'username');
  if (!username) {
    const before = known?.kind === 'basic' ? known.username : undefined;
    username =
      (await prompt.line(`Username${before === undefined ? '' : ` (${before})`}: `))?.trim() || before;
  }
  if (!username) throw usage('a user name is needed');
  if (username.includes(':')) throw usage('a user name has no colon');
  const password = await prompt.secret('Password: ');
  if (!password) throw usage('a password is needed');
  return { kind: 'basic', username, password };
}
