"""All that knows Twilio: one bounded GET, what its response means, and what can be read.

Source of the shapes: Twilio's OpenAPI descriptions of Serverless v1 and Monitor v1
(twilio/twilio-oai, spec/json/twilio_serverless_v1.json and twilio_monitor_v1.json).
"""
