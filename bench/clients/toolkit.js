// Waits for a build with Twilio's toolkit: its client and its waitForSuccessfulBuild.
const { EventEmitter } = require('node:events');
const { TwilioServerlessApiClient, api } = require('@twilio-labs/serverless-api');

const { env } = process;
const login = { username: env.TWILIO_ACCOUNT_SID, password: env.TWILIO_AUTH_TOKEN };
const client = new TwilioServerlessApiClient(login);
// It has no setting for another API root.
client.client = client.getClient().extend({ prefixUrl: `${env.TWILIO_BASE_URL}/v1` });
api
  .waitForSuccessfulBuild(env.TWILIO_BUILD_SID, env.TWILIO_SERVICE_SID, client, new EventEmitter())
  .then(() => console.log('completed'));
