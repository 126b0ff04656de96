from slotwire_contracts.topics import *
