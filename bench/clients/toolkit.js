// Waits for a build as Twilio's own toolkit does: its client, its waitForSuccessfulBuild, and no
// more around them than a program needs to say how it ended.
'use strict';
const { EventEmitter } = require('node:events');
const { TwilioServerlessApiClient, api } = require('@twilio-labs/serverless-api');

const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_SERVICE_SID, TWILIO_BUILD_SID } = process.env;
const client = new TwilioServerlessApiClient({
  username: TWILIO_ACCOUNT_SID,
  password: TWILIO_AUTH_TOKEN,
});
// It has no setting for another API root.
client.client = client.getClient().extend({ prefixUrl: `${process.env.TWILIO_BASE_URL}/v1` });

api
  .waitForSuccessfulBuild(TWILIO_BUILD_SID, TWILIO_SERVICE_SID, client, new EventEmitter())
  .then(() => console.log('completed'));
