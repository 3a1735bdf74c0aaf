// Tells the app of every marker that is written in the data account. Deployed after the code: Event Grid asks the app
// for its consent, and the key in the address exists once the host has started with a blob trigger.

targetScope = 'resourceGroup'

param appName string
param topicName string
param hostAccountName string

var markerBytesAtMost = 1048576

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: hostAccountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' existing = {
  name: topicName
}

var extensionKey = listKeys('${app.id}/host/default', '2024-04-01').systemKeys.blobs_extension
var webhook = 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.completion_marker'

resource complete 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = {
  parent: topic
  name: 'complete'
  properties: {
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: '${webhook}&code=${extensionKey}'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectEndsWith: '.complete'
      isSubjectCaseSensitive: true
      // The host reads the whole blob into memory before the function sees it.
      advancedFilters: [
        {
          operatorType: 'NumberLessThanOrEquals'
          key: 'data.contentLength'
          value: markerBytesAtMost
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: hostAccount.id
          blobContainerName: 'event-dead-letters'
        }
      }
    }
  }
}
