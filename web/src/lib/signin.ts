// What the server says of a sign-in by a provider that failed: behind the # of
// the address, which no other site gets to see, as a name that stays the same.

export interface NotSignedIn {
  /** What is wrong, for whoever wants to come in. */
  said: string;
  /** What they can do about it. */
  mend: string;
  /** By which an auditor finds it in the trail; empty if there is none. */
  request: string;
}

const ASK = 'Ask whoever manages access here.';
const AGAIN = 'Try again.';

const TEXTS: Record<string, readonly [said: string, mend: string]> = {
  expired: ['The sign-in took too long, or was begun in another window.', AGAIN],
  denied: ['The provider did not let you in.', 'Try again, or ask whoever manages accounts there.'],
  unreachable: ['The provider cannot be reached.', 'Try again in a moment; if it stays so, tell whoever runs this server.'],
  failed: ['What the provider answered cannot be trusted.', 'Try again; if it stays so, tell whoever runs this server.'],
  blocked: ['Too many sign-ins from your address have failed.', 'Wait some minutes, then try again.'],
  unavailable: ['The server could not let you in.', 'Tell whoever runs this server: its log says why.'],
  no_role: ['None of your groups at the provider lets you in here.', ASK],
  scattered: ['Your groups at the provider are of several organisations, and give no role that holds for all of them.', ASK],
  domain: ['Your e-mail address is of a domain that is not let in here.', 'Sign in with another account, or ask whoever manages access here.'],
  unverified: ['The provider has not verified your e-mail address.', 'Have it verified there, then try again.'],
  too_many_groups: ['You are in more groups than the provider lists.', `It must send only those of this application. ${ASK}`],
  disabled: ['Your account here is disabled.', ASK],
};

/** What is behind the # of an address, if it is about a sign-in. */
export function notSignedIn(hash: string): NotSignedIn | null {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const why = said.get('sign-in');
  if (why === null) return null;
  const known = Object.hasOwn(TEXTS, why) ? TEXTS[why] : undefined;
  const [text, mend] = known ?? ['You could not be signed in.', ASK];
  const request = said.get('request') ?? '';
  return { said: text, mend, request: /^[a-z0-9]{1,32}$/.test(request) ? request : '' };
}

/** Where a sign-in by the provider begins that leads back to `to`, a path of ours. */
export const signInHref = (to: string) => `/sign-in/oidc?to=${encodeURIComponent(to)}`;
