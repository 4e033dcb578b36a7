// The provider that tests sign in through: real in all that it says to us, and with any password for its people.
//
// PORT, SETUP_URL, CLIENT_SECRET and PEOPLE (JSON: user -> practices) come as variables. Each start makes new keys, so
// that starting it again is a change of keys.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const { PORT, SETUP_URL, CLIENT_SECRET, PEOPLE } = process.env;
const people = JSON.parse(PEOPLE);
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(`http://localhost:${PORT}`, {
  clients: [
    {
      client_id: "setup",
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${SETUP_URL}/signin/callback`],
      post_logout_redirect_uris: [`${SETUP_URL}/signin/ended`],
    },
  ],
  jwks: { keys: [{ ...key, kid: randomUUID(), use: "sig", alg: "RS256" }] },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ["sub", "practices"] },
  conformIdTokenClaims: false, // claims stand in the ID token
  pkce: { required: () => true },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, practices: people[id] ?? [] }),
  }),
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
