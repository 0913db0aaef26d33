namespace Conductor;

/// <summary>
/// A type of value that is no longer than a number and refers to nothing. Data that is kept for long is kept as its bits where it can be: an object of its
/// own, among others that are gone, costs the collector far more than what is in it.
/// </summary>
internal abstract class SmallValueType
{
    /// <summary>Data with the value of these bits.</summary>
    public abstract TaskData ToData(long bits);
}
