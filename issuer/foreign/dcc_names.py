"""Names of elements that released versions of the DCC know, 2.1.0 to 3.3.0, all together.

>>> "named" in ELEMENT_NAMES
False
"""

from typing import Final

ELEMENT_NAMES: Final = frozenset(
    {
        *("administrativeData", "beginLocationCalDateTime", "beginPerformanceDate", "byteData"),
        *("calibrationLaboratory", "calibrationLaboratoryCode", "calibrationLocation"),
        *("calibrationLocationSite", "calibrationLocations", "certificate", "charsXMLList", "city"),
        *("classID", "comment", "comments", "conformity", "conformityXMLList", "contact", "content"),
        *("convention", "coreData", "countryCode", "countryCodeISO3166_1", "cryptElectronicSeal"),
        *("cryptElectronicSignature", "cryptElectronicTimeStamp", "customer", "data", "dataBase64"),
        *("date", "dateTime", "dateTimeXMLList", "dccSoftware", "declaration", "description"),
        *("descriptionData", "digitalCalibrationCertificate", "document", "eMail", "eMailPerson"),
        *("endLocationCalDateTime", "endPerformanceDate", "equipmentClass", "external", "externalSampler"),
        *("externals", "fax", "file", "fileName", "formula", "further", "furtherInfoPerson"),
        *("identification", "identifications", "identifier", "inValidityRange", "influenceCondition"),
        *("influenceConditions", "installedSoftware", "installedSoftwares", "issueDate", "issuer", "item"),
        *("itemQuantities", "itemQuantity", "items", "latex", "link", "linkedReport", "list", "location"),
        *("lowerLimit", "mainSigner", "mandatoryLangCodeISO639_1", "manufacturer", "mathml"),
        *("measurementMetaData", "measurementResult", "measurementResults", "measuringEquipment"),
        *("measuringEquipmentQuantities", "measuringEquipmentQuantity", "measuringEquipments", "metaData"),
        *("method", "metrologicallyTraceable", "mimeType", "model", "name", "namespace", "noQuantity"),
        *("nonSIDefinition", "nonSIUnit", "norm", "owner", "performanceLocation", "period", "person"),
        *("phone", "plan", "positionCoordinate1", "positionCoordinate2", "positionCoordinate3"),
        *("positionCoordinateSystem", "positionCoordinates", "postCode", "postOfficeBox"),
        *("previousReport", "procedure", "quantity", "receiptDate", "refId", "refTypeDefinition"),
        *("refTypeDefinitions", "reference", "referenceID", "referral", "referralID"),
        *("relativeUncertainty", "relativeUncertaintySingle", "relativeUncertaintyXmlList", "release"),
        *("replacedUniqueIdentifier", "reportAmendedSubstituted", "respAuthority", "respPerson"),
        *("respPersons", "result", "results", "role", "sampledMaterial", "sampledMaterials"),
        *("samplingDate", "siunitx", "software", "state", "statement", "statements", "status", "street"),
        *("streetNo", "subItems", "text", "toleranceOneDim", "traceable", "type", "typeOfChange"),
        *("uniqueIdentifier", "upperLimit", "usedLangCodeISO639_1", "usedMethod", "usedMethodQuantities"),
        *("usedMethodQuantity", "usedMethods", "usedSoftware", "valid", "validXMLList", "value", "xml"),
    }
)
"""A misspelt element is found without the schema."""
