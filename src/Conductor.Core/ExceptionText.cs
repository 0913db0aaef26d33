namespace Conductor;

/// <summary>
/// What an exception says of itself, for records and messages. Those of an application may throw as they are asked (their texts come from resources that are
/// missing), and whoever handles a failure must not fail of that.
/// </summary>
internal static class ExceptionText
{
    /// <summary>The text; where it cannot be read, that and why. Never throws.</summary>
    /// <param name="exception">The exception.</param>
    public static string Of(Exception exception)
    {
        try
        {
            // An override may give null, whatever its declaration says.
            return exception.Message ?? "";
        }
#pragma warning disable CA1031 // A user's exception may throw anything.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return $"(the message of this {exception.GetType()} cannot be read: {failure.GetType()})";
        }
    }
}
