import { errorMaker } from '../base/errors.ts';

type CredentialErrors = {
  CREDENTIALS_FILE: { file: string; why: string; line?: number | undefined };
  CREDENTIALS_FILE_UNWRITABLE: { file: string; code: string };
  CREDENTIALS_NO_PLACE: Record<string, never>;
  CREDENTIALS_SERVER: { server: string };
  CREDENTIALS_REFUSED: { host: string; says?: string | undefined };
  CREDENTIALS_HELPER_MISSING: { program: string; file: string; key: string };
  CREDENTIALS_HELPER: { program: string; verb: string; why: string };
};

/** Errors of the files and programs that keep credentials. None holds a value of theirs: a cause would too, so there is none. */
export const credentialError = errorMaker<CredentialErrors>({
  CREDENTIALS_FILE: ({ file, why, line }) =>
    `credentials file ${file}${line === undefined ? '' : `, line ${line}`}: ${why}`,
  CREDENTIALS_FILE_UNWRITABLE: ({ file, code }) => ({
    message: `cannot write credentials to ${file} (${code})`,
    hint: 'DOCKER_CONFIG names another folder for config.json, REGISTRY_AUTH_FILE another file',
  }),
  CREDENTIALS_NO_PLACE: () => ({
    message: 'this user has no home folder, where credentials would be kept',
    hint: 'DOCKER_CONFIG names a folder for config.json, REGISTRY_AUTH_FILE a file',
  }),
  CREDENTIALS_SERVER: ({ server }) =>
    `${JSON.stringify(server)} is no registry, want a host with a port if need be, like registry.example:5000`,
  CREDENTIALS_REFUSED: ({ host, says }) => ({
    message: 'login: unauthorized: incorrect username or password',
    hint: `${says === undefined ? '' : `${host} says: ${says}; `}where an account needs a second factor, an access token takes the place of the password`,
  }),
  CREDENTIALS_HELPER_MISSING: ({ program, file, key }) => ({
    message: `credential helper ${program}, which ${file} names in ${key}, is not in PATH`,
    hint: `install ${program}, or take ${key} out of ${file}`,
  }),
  CREDENTIALS_HELPER: ({ program, verb, why }) => `credential helper ${program} failed at "${verb}": ${why}`,
});
