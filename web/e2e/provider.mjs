// A real provider of OpenID Connect on a port of its own, whose people, groups and keys a test
// changes, and which lies when it is told to. Its name is localhost and ours is 127.0.0.1: to a
// browser these are two sites.

import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, importJWK, SignJWT, decodeJwt } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT = 'tallybook';
/** What both sides know; it opens nothing but this test's own provider. */
export const SECRET = 'the secret of a test';
const CALLBACK = '/sign-in/oidc/callback';
const html = (body) => `<!doctype html><html lang="en"><title>Provider</title><body>${body}</body></html>`;

/** Starts listening; with `keeps` it sends nobody back, and `kept` is where they would go. `serve` begins to answer, once it is known where Tallybook is. */
export async function startProvider() {
  const own = { people: new Map(), lie: null, isDown: false, keeps: false, kept: null, answer: null, key: null, ui: null };
  const server = createServer((request, response) => (own.answer ? own.answer(request, response) : response.destroy()));
  server.on('connection', (socket) => own.isDown && socket.destroy());
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://localhost:${server.address().port}`;
  const serve = async (ui) => {
    own.ui = ui;
    await rotate();
  };
  /** Signs with another key from now on, and lists it alone. */
  const rotate = async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    own.key = { ...(await exportJWK(privateKey)), kid: `key-${Date.now()}`, use: 'sig', alg: 'RS256' };
    own.answer = answering(own, issuer);
  };
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return Object.assign(own, { issuer, serve, rotate, stop });
}

function answering(own, issuer) {
  const provider = new Provider(issuer, configured(own));
  provider.use(async (context, next) => {
    if (context.path === '/token' && own.lie === cut) return context.req.socket.destroy();
    await next();
    const to = context.response.get('location');
    if (own.keeps && to.startsWith(own.ui + CALLBACK)) {
      own.kept = to;
      context.response.remove('location');
      context.status = 200;
      context.body = html('<h1>Kept back</h1>');
    }
    if (context.path === '/token' && own.lie && context.body?.id_token) {
      context.body = { ...context.body, id_token: await own.lie(context.body.id_token, own) };
    }
  });
  const oidc = provider.callback();
  return (request, response) =>
    request.url.startsWith('/interaction/') ? interact(provider, request, response).catch((error) => response.destroy(error)) : oidc(request, response);
}

function configured(own) {
  return {
    clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        redirect_uris: [own.ui + CALLBACK],
        post_logout_redirect_uris: [`${own.ui}/`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [own.key] },
    cookies: { keys: ['a test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { logoutSource: askToEnd } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...own.people.get(id) }) }),
    loadExistingGrant: granted,
    renderError: (context, out) => {
      context.body = html(`<h1>Error</h1><p>${out.error}</p>`);
    },
  };
}

/** Everybody has agreed. */
async function granted({ oidc }) {
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope('openid email profile groups');
  await grant.save();
  return grant;
}

async function askToEnd(context, form) {
  context.body = html(`<h1>End your session?</h1>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`);
}

/** The provider's own sign-in page: whoever says a name is believed. */
async function interact(provider, request, response) {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html');
    response.end(html('<form method="post"><label>Account <input name="login" autofocus></label><button>Continue</button><button name="no" value="1">Cancel</button></form>'));
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const said = new URLSearchParams(body);
  const result = said.get('no') ? { error: 'access_denied' } : { login: { accountId: said.get('login') } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

// What a provider may say that is not so.

/** It says nothing. */
export const cut = Symbol('cut');

/** Somebody changed the token on its way. */
export function tampered(token) {
  const [head, , signature] = token.split('.');
  const body = Buffer.from(JSON.stringify({ ...decodeJwt(token), sub: 'boss' })).toString('base64url');
  return `${head}.${body}.${signature}`;
}

/** The token is right, and answers another sign-in. */
export const ofAnother = (token, own) => signed({ ...decodeJwt(token), nonce: 'of another' }, own.key);

/** The token is right, and signed with a key that is nowhere listed. */
export async function forged(token, own) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return signed(decodeJwt(token), { ...(await exportJWK(privateKey)), kid: own.key.kid, alg: 'RS256' });
}

const signed = async (claims, key) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(await importJWK(key, 'RS256'));
