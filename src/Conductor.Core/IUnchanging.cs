namespace Conductor;

/// <summary>A collection of this library's own that never changes: records keep it without a copy.</summary>
internal interface IUnchanging;
