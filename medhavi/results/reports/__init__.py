"""Reports of campaigns, hindsight, risk and studies."""
